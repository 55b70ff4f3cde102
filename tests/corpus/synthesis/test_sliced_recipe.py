import contextlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.synthesis.recipe import Dropped, Language
from tanuki_jax.corpus.synthesis.recipes.augment import Augment
from tanuki_jax.corpus.synthesis.recipes.rag_qa import RagQa
from tanuki_jax.corpus.synthesis.recipes.regenerate import Regenerate
from tanuki_jax.corpus.synthesis.recipes.short_answer import ShortAnswer
from tanuki_jax.corpus.synthesis.recipes.translate import Translate
from tanuki_jax.corpus.synthesis.sliced_recipe import SlicedRecipe, language_of
from tests.corpus.synthesis.recipes.passages_for_recipes import PASSAGE, item_of
from tests.corpus.synthesis.rehearsed_chain import rehearse

RECIPES: tuple[SlicedRecipe, ...] = (
    Augment(tasks=1),
    RagQa(),
    Regenerate(guided=True),
    ShortAnswer(),
    Translate(form="conversation"),
)


@pytest.mark.parametrize(
    ("text", "language"), [(PASSAGE["ja"], "ja"), (PASSAGE["en"], "en"), ("123", "en"), ("短い文だ。", "ja")]
)
def test_the_language_is_that_of_the_document(text: str, language: Language) -> None:
    item = item_of(text)
    part = RagQa().part(item, item.random(0))
    assert part.language == language_of(text) == language
    assert RagQa(language="en").part(item, item.random(0)).language == "en"
    assert RagQa(language="ja").part(item, item.random(0)).language == "ja"


def test_documents_in_other_languages_are_dropped_unless_one_is_chosen() -> None:
    item = item_of("桌子上有一只猫，它在睡觉。")
    with pytest.raises(Dropped, match="neither Japanese nor English"):
        RagQa().part(item, item.random(0))
    assert RagQa(language="ja").part(item, item.random(0)).language == "ja"


def test_an_empty_document_is_dropped() -> None:
    item = item_of(" \n ")
    with pytest.raises(Dropped, match="without text"):
        RagQa().part(item, item.random(0))


def test_the_metadata_has_the_place_of_the_slice() -> None:
    text = "猫が机の上で寝ている。" * 300
    item = item_of(text)
    part = RagQa(least=100, most=200).part(item, item.random(0))
    metadata = RagQa().metadata(part, "basic")
    assert metadata == {
        "recipe": "rag_qa",
        "style": "basic",
        "language": "ja",
        "parents": ["page-1"],
        "start": part.slice.start,
        "stop": part.slice.stop,
    }
    assert text[part.slice.start : part.slice.stop] == part.text and 100 <= len(part.text) <= 200


def test_lengths_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(InputError, match=r"rag_qa\.least is 900, and must be at most rag_qa\.most, 800"):
        RagQa(least=900, most=800)
    with pytest.raises(InputError, match=r"rag_qa\.least is 0, and must be above 0"):
        RagQa(least=0)


@pytest.mark.parametrize("recipe", RECIPES)
def test_values_enter_a_prompt_through_quote_alone(recipe: SlicedRecipe) -> None:
    files = list((recipe.templates / recipe.name).glob("**/*.jinja"))
    used = {value for path in files for value in re.findall(r"{{(.*?)}}", path.read_text("utf-8"), re.DOTALL)}
    quoted = re.compile(r' (?:text|question|faults) \| quote(?:\("[a-z]+"\))? | self\.example\(\) \| trim ')
    assert files and used and [value for value in used if not quoted.fullmatch(value)] == []


@settings(max_examples=30)
@given(
    st.text(max_size=300) | st.lists(st.sampled_from([*"猫「」（）。.!?\n{}%<>|:#", "text", "</", "a b"])).map("".join),
    st.integers(0, 3),
)
def test_whatever_a_document_has_it_is_used_or_dropped(text: str, seed: int) -> None:
    for recipe in RECIPES:
        with contextlib.suppress(Dropped):
            made, messages = rehearse(recipe, item_of(text), seed)
            assert made.sources[0] == made.sources[0].strip() != ""
            assert made.sources[0] in text and messages
