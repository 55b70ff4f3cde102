import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Conversation
from tanuki_jax.corpus.synthesis.recipe import Dropped, Item, Language
from tanuki_jax.corpus.synthesis.recipes.keyword import Keyword, parse_keyword_question
from tests.corpus.synthesis.hostile_texts import HOSTILE, check_quotations
from tests.corpus.synthesis.rehearsed_chain import rehearse

LANGUAGES: tuple[Language, ...] = ("ja", "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_question_has_the_words(language: Language) -> None:
    made, rendered = rehearse(Keyword(language=language, count=3), Item("a"))
    assert isinstance(made.record, Conversation)
    words = made.record.metadata["words"]
    assert isinstance(words, list) and len(set(words)) == 3
    assert all(word in made.record.messages[0].content for word in words)
    assert all(word in str(rendered[0][-1]["content"]) for word in words)
    assert str(made.record.metadata["task"]) in str(rendered[0][-1]["content"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_texts_stay_in_their_quotation(language: Language) -> None:
    templates = check_quotations(Keyword(language=language), Item("a"))
    assert templates == {f"keyword/question.{language}.jinja", f"instruct/answer.{language}.jinja"}


def test_a_hostile_word_is_not_run() -> None:
    with pytest.raises(Dropped, match="a word is missing"):  # the example has it made harmless
        rehearse(Keyword(words=(HOSTILE,), count=1), Item("a"))
    _, rendered = rehearse(Keyword(words=("{{ 7919 * 7 }}",), count=1), Item("a"))
    assert "55433" not in str(rendered)


def test_words_can_be_given() -> None:
    recipe = Keyword(words=("雪", "橋"), count=1)
    drawn = [rehearse(recipe, Item("a"), seed)[0].record.metadata["words"] for seed in range(20)]
    assert all(words in (["雪"], ["橋"]) for words in drawn)
    assert ["雪"] in drawn and ["橋"] in drawn


@pytest.mark.parametrize("words", [("雪",), ("雪", "雪")])
def test_too_few_words_are_an_error(words: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="give more words"):
        Keyword(words=words, count=2)


def test_choices_depend_on_the_key_and_the_seed_alone() -> None:
    first, again, other = (rehearse(Keyword(), Item("a"), seed)[0] for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize(
    "text",
    [
        "雪と橋",
        "質問: 橋の上の雪",
        "「雪」は「橋」",
        "雪橋",
        "Is 橋 like 雪?",
        "雪\n橋",
        "ゆき雪はし橋",
        "**質問:** 雪、橋",
    ],
)
def test_words_may_stand_anywhere(text: str) -> None:
    assert "雪" in parse_keyword_question(text, ("雪", "橋"))


def test_width_and_case_do_not_count() -> None:
    assert parse_keyword_question("Ｕｍｂｒｅｌｌａｓ and KEYS?", ("umbrella", "key"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("雪だけ", "a word is missing"),
        ("ゆきとはし", "a word is missing"),
        ("橋", "a word is missing"),
        ("雪とは\n回答: 橋", "comes with an answer"),
        ("雪と橋<|im_end|>", "special tokens"),
    ],
)
def test_other_questions_are_dropped(text: str, reason: str) -> None:
    with pytest.raises(Dropped, match=reason):
        parse_keyword_question(text, ("雪", "橋"))
