import re

import pytest

from tanuki_jax.corpus.records.types import Document
from tanuki_jax.corpus.synthesis.recipe import TEMPLATES, Dropped, Language
from tanuki_jax.corpus.synthesis.recipes.augment import LAYOUTS, Augment, kinds_of
from tests.corpus.synthesis.recipes.passages_for_recipes import (
    LANGUAGES,
    PASSAGE,
    check_quotations,
    hostile_item,
    item_of,
)
from tests.corpus.synthesis.rehearsed_chain import rehearse

KINDS = kinds_of(Augment(), "ja")
WHOLE = Augment(least=5_000, most=5_000)
ALL = Augment(least=5_000, most=5_000, tasks=100)


def test_both_languages_have_the_same_kinds() -> None:
    assert len(KINDS) >= 10
    assert kinds_of(Augment(), "en") == KINDS
    names = {path.name for path in (TEMPLATES / "augment").iterdir()}
    assert names == {"task.ja.jinja", "task.en.jinja", "tasks"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_task_is_made_of_a_hostile_page(language: Language) -> None:
    made, messages = rehearse(ALL, hostile_item(language))
    check_quotations(messages)
    assert len(messages) == len(KINDS) == len({str(one) for one in messages})
    assert sorted(made.record.metadata["tasks"]) == list(KINDS)  # type: ignore[call-overload]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_text_comes_first_and_the_tasks_behind_it(language: Language) -> None:
    made, messages = rehearse(WHOLE, item_of(PASSAGE[language]))
    assert isinstance(made.record, Document)
    assert made.record.text == f"{PASSAGE[language]}\n\n{made.written}"
    assert len(messages) == 3
    assert made.sources == (PASSAGE[language],)


def test_labels_of_the_teacher_do_not_stay() -> None:
    texts = [rehearse(ALL, item_of(PASSAGE["ja"]), seed=seed)[0].written for seed in range(10)]
    assert [text for text in texts if re.search("^課題：", text, re.MULTILINE)] == []
    assert len({text[:2] for text in texts}) > 2


def test_a_task_that_cannot_be_read_is_left_out() -> None:
    answers = ["作れませんでした。", "課題：何を作りますか。\n答え：干し柿", "なし"]
    made, messages = rehearse(WHOLE, item_of(PASSAGE["ja"]), answers=answers)
    assert len(messages) == 3
    assert made.written.count("干し柿") == 1
    assert len(made.record.metadata["tasks"]) == 1  # type: ignore[arg-type]
    with pytest.raises(Dropped, match="without a question"):
        rehearse(WHOLE, item_of(PASSAGE["ja"]), answers=["作れません。"] * 3)


def test_braces_of_a_task_stay_as_they_are() -> None:
    answers = ["課題：{0} と {x} は何ですか。\n答え：{answer}"] * 3
    for seed in range(10):
        made, _ = rehearse(WHOLE, item_of(PASSAGE["ja"]), seed=seed, answers=answers)
        assert made.written.count("{0} と {x} は何ですか。") == made.written.count("{answer}") == 3


def test_tasks_are_numbered_where_the_layout_has_numbers() -> None:
    texts = [rehearse(WHOLE, item_of(PASSAGE["en"]), seed=seed)[0].written for seed in range(20)]
    numbered = [re.findall(r"^Q(\d)\. ", text, re.MULTILINE) for text in texts if text.startswith("Q1. ")]
    assert numbered and all(numbers == ["1", "2", "3"] for numbers in numbered)


def test_requests_of_one_document_begin_alike() -> None:
    _, messages = rehearse(WHOLE, item_of(PASSAGE["ja"]))
    beginnings = {str(turns).partition("</text>")[0] for turns in messages}
    assert len(beginnings) == 1 and PASSAGE["ja"][-20:] in beginnings.pop()


def test_layouts_have_task_and_answer_in_order() -> None:
    for layout in (layout for layouts in LAYOUTS.values() for layout in layouts):
        assert 0 <= layout.index("{task}") < layout.index("{answer}")


def test_a_seed_decides_kinds_and_layout() -> None:
    item = item_of(PASSAGE["ja"] * 8)
    assert rehearse(Augment(), item, seed=5) == rehearse(Augment(), item, seed=5)
    kinds = {kind for seed in range(20) for kind in rehearse(Augment(), item, seed=seed)[0].record.metadata["tasks"]}  # type: ignore[attr-defined]
    assert kinds == set(KINDS)
