import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.base.errors import InputError
from tanuki_jax.data.tokenizer.segmentation import DELIMITER, LONGEST, lines, pairs_of_words


@given(st.lists(st.text(st.sampled_from("ab狸。 \n\t\0\ue000\u2585"), max_size=3000), max_size=3))
def test_lines_keep_every_character_that_a_piece_can_contain(texts: list[str]) -> None:
    cut = list(lines(texts))
    assert "".join(cut) == re.sub("[\n\0\ue000\u2585]", "", "".join(texts))
    assert all(1 <= len(line) <= LONGEST for line in cut)


def test_a_long_line_is_cut_after_punctuation_or_before_a_space() -> None:
    assert list(lines(["狸" * 700 + "。" + "狐" * 700])) == ["狸" * 700 + "。", "狐" * 700]
    assert list(lines(["a" * 700 + " " + "b" * 700])) == ["a" * 700, " " + "b" * 700]
    assert list(lines(["狸" * 2100])) == ["狸" * 1000, "狸" * 1000, "狸" * 100]


def test_surrogates_become_replacement_characters() -> None:
    assert list(lines(["a\ud800b"])) == ["a\ufffdb"]


def words(*texts: str) -> list[str]:
    return [word for pair in pairs_of_words(texts) for word in pair.split(DELIMITER)]


def test_words_are_those_of_mecab_and_keep_their_spaces() -> None:
    assert words("すもももももももものうち") == ["すもも", "も", "もも", "も", "もも", "の", "うち"]
    assert words("I am  a 狸 ") == ["I", " am", "  a", " 狸", " "]
    assert words("   ") == ["   "]


def test_words_come_in_pairs_across_lines() -> None:
    assert list(pairs_of_words(["山の狸", "狐", "犬"])) == [f"山{DELIMITER}の", f"狸{DELIMITER}狐", "犬"]


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\n\ue000"), min_size=1))
def test_words_lose_nothing(text: str) -> None:
    assert "".join(words(text)) == text


@pytest.mark.parametrize("missing", ["fugashi", "ipadic"])
def test_without_the_extra_mecab_is_an_input_error(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(InputError, match=rf"tokenizer\.mecab needs the package {missing}: .*tanuki-jax\[corpus\]"):
        pairs_of_words([])
