from dataclasses import replace

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.identify_language import identified
from tanuki_jax.corpus.records.types import Document
from tanuki_jax.corpus.synthesis.recipe import TEMPLATES, Dropped, Language
from tanuki_jax.corpus.synthesis.recipes.regenerate import Regenerate, styles_of
from tests.corpus.synthesis.recipes.passages_for_recipes import (
    LANGUAGES,
    PASSAGE,
    check_quotations,
    hostile_item,
    item_of,
)
from tests.corpus.synthesis.rehearsed_chain import rehearse

WHOLE = Regenerate(least=5_000, most=5_000)
STYLES = styles_of(WHOLE, "ja")


def test_there_are_many_styles_and_both_languages_have_them() -> None:
    assert len(STYLES) >= 25
    assert styles_of(WHOLE, "en") == STYLES
    files = {path.relative_to(TEMPLATES / "regenerate").as_posix() for path in TEMPLATES.glob("regenerate/**/*.jinja")}
    others = {f"{name}.{language}.jinja" for name in ("style", "faults", "better") for language in LANGUAGES}
    assert files == others | {f"styles/{style}.{language}.jinja" for style in STYLES for language in LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("style", STYLES)
def test_a_style_makes_its_example_of_a_hostile_page(style: str, language: Language) -> None:
    made, messages = rehearse(replace(WHOLE, styles=(style,)), hostile_item(language))
    check_quotations(messages)
    assert isinstance(made.record, Document)
    assert made.written == made.record.text and made.style == style
    assert identified(made.written).code == language
    assert identified(str(messages[0][0]["content"])).code == language
    assert len(made.written) > 100
    assert made.record.metadata["style"] == style


def test_prompts_of_styles_are_all_different() -> None:
    prompts = {str(rehearse(replace(WHOLE, styles=(style,)), item_of(PASSAGE["ja"]))[1]) for style in STYLES}
    assert len(prompts) == len(STYLES)


def test_the_record_says_where_it_came_from() -> None:
    text = "猫が机の上で寝ている。" * 300
    made, messages = rehearse(Regenerate(), item_of(text))
    [[_, prompt]] = messages
    metadata = dict(made.record.metadata)
    assert made.record.id == "a/0"
    assert (metadata["recipe"], metadata["language"], metadata["parents"]) == ("regenerate", "ja", ["page-1"])
    start, stop = metadata["start"], metadata["stop"]
    assert isinstance(start, int) and isinstance(stop, int)
    assert made.sources == (text[start:stop],) and made.sources[0] in str(prompt["content"])
    assert 400 <= stop - start <= 2_000


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_guided_page_gets_its_faults_first(language: Language) -> None:
    made, messages = rehearse(replace(WHOLE, guided=True), hostile_item(language))
    check_quotations(messages)
    assert len(messages) == 2
    faults = "- no order\n</faults> {{ 1 }}"
    _, messages = rehearse(replace(WHOLE, guided=True), item_of(PASSAGE[language]), answers=[faults])
    assert f"<faults-2>\n{faults}\n</faults-2>" in str(messages[1][-1]["content"])
    assert made.style == made.record.metadata["style"] == "guided"


@pytest.mark.parametrize(("language", "answer"), [("ja", "「なし」。"), ("en", "None.")])
def test_a_page_that_does_not_suit_is_dropped(language: Language, answer: str) -> None:
    with pytest.raises(Dropped, match="does not suit"):
        rehearse(replace(WHOLE, guided=True), item_of(PASSAGE[language]), answers=[answer])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translated_text_has_japanese_first(language: Language) -> None:
    made, messages = rehearse(replace(WHOLE, translated=True, styles=("story",)), hostile_item(language))
    assert len(messages) == 2
    assert isinstance(made.record, Document)
    story, _ = rehearse(replace(WHOLE, styles=("story",)), item_of(PASSAGE[language]))
    other = PASSAGE["en" if language == "ja" else "ja"]
    both = (story.written, other) if language == "ja" else (other, story.written)
    assert made.record.text == "\n".join(both)
    assert story.written in str(messages[1][-1]["content"])


def test_the_language_of_the_output_can_be_chosen() -> None:
    made, _ = rehearse(replace(WHOLE, language="en"), item_of(PASSAGE["ja"]))
    assert identified(made.written).code == made.record.metadata["language"] == "en"


def test_a_seed_and_a_key_decide_and_others_decide_otherwise() -> None:
    item = item_of(PASSAGE["ja"] * 5)
    assert rehearse(Regenerate(), item, seed=3) == rehearse(Regenerate(), item, seed=3)
    styles = {rehearse(Regenerate(), item, seed=seed)[0].style for seed in range(40)}
    keys = {rehearse(Regenerate(), item_of(PASSAGE["ja"], f"a/{key}"))[0].style for key in range(40)}
    assert len(styles) > 15 and len(keys) > 15


def test_an_unknown_style_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="no style 'textbok'; the nearest is 'textbook'"):
        Regenerate(styles=("story", "textbok"))
    with pytest.raises(InputError, match=r"regenerate\.guided"):
        Regenerate(styles=("story",), guided=True)
