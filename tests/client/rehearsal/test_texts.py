"""Deterministic texts, their tokens, and embeddings."""

import math

import hypothesis
import pytest
from hypothesis import strategies

from tanuki_jax.client.rehearsal.texts import JAPANESE_CHARACTER, cut_text, digest_of, embed, tokens, write_text


@hypothesis.given(strategies.text())
def test_tokens_joined_are_the_text(text: str) -> None:
    assert "".join(tokens(text)) == text


def test_an_english_word_and_a_japanese_character_are_a_token() -> None:
    assert tokens("Ask a raccoon dog.\n狸だ🦝") == ["Ask ", "a ", "raccoon ", "dog", ".", "\n", "狸", "だ", "🦝"]


def test_an_answer_has_the_language_and_words_of_its_prompt() -> None:
    for number in range(50):
        japanese = write_text(digest_of(number), "平安時代の文化について")
        english = write_text(digest_of(number), "Compare raccoon dogs with foxes")
        assert JAPANESE_CHARACTER.search(japanese) and ("平安時代" in japanese or "文化" in japanese)
        assert not JAPANESE_CHARACTER.search(english)
        assert any(word in english for word in ("Compare", "raccoon", "dogs", "with", "foxes"))


def test_a_prompt_without_words_is_answered_too() -> None:
    assert "この質問" in write_text(digest_of(1), "え？")
    assert "this question" in write_text(digest_of(1), "")


@hypothesis.given(strategies.text("abc ", max_size=30), strategies.lists(strategies.text("abc", max_size=2)))
def test_a_text_ends_before_its_first_stop_text(text: str, stop: list[str]) -> None:
    pieces, reason = cut_text(text, stop, None)
    kept = "".join(pieces)
    assert text.startswith(kept) and reason == "stop"
    assert not any(word and word in kept for word in stop)
    assert kept == text or any(text[len(kept) :].startswith(word) for word in stop if word)


@pytest.mark.parametrize(
    ("limit", "kept", "reason"), [(1, 1, "length"), (5, 5, "length"), (6, 6, "stop"), (9, 6, "stop")]
)
def test_only_a_text_that_is_cut_ends_by_length(limit: int, kept: int, reason: str) -> None:
    pieces, ending = cut_text("狸と狐の話", [], limit) if limit < 5 else cut_text("狸と狐の話。", [], limit)
    assert (len(pieces), ending) == (kept, reason)


def test_vectors_have_length_one_and_near_texts_are_near() -> None:
    def product(a: str, b: str) -> float:
        return sum(x * y for x, y in zip(embed(a), embed(b), strict=True))

    assert math.isclose(product("狸の話", "狸の話"), 1.0)
    assert product("the old raccoon dog", "the young raccoon dog") > 0.6
    assert abs(product("raccoon", "狐")) < 0.5
    assert math.isclose(product("", ""), 1.0)
