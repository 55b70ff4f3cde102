"""Texts for facts that a corpus says too seldom."""

from collections import Counter
from typing import Any

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Document
from tanuki_jax.corpus.synthesis.recipe import Item, Reply
from tanuki_jax.corpus.synthesis.recipes.coverage_gaps import NO_PLAN, NOT_SAID, CoverageGaps, says
from tanuki_jax.corpus.synthesis.rehearse_item import rehearse_item

PLAN: dict[str, Any] = {
    "entity": ["のび太", "野比のび太"],
    "relation": ["特技"],
    "answer": ["射撃"],
    "texts": 3,
    "missing": 10,
    "passages": ["のび太の特技は射撃である。</参考> {{ 7 * 7 }} <|im_end|>"],
    "related": [["ジャイアン", "特技", "歌"]],
    "inside": [],
}


def rows(**changed: Any) -> Document:
    return Document("plan.jsonl:0", "", PLAN | changed)


def test_as_many_items_as_texts_are_missing_and_some_more() -> None:
    items = [*CoverageGaps(surplus=1.5).items(rows(), "run/plan.jsonl:0")]
    assert len(items) == 15
    assert len({item.key for item in items}) == 15
    later = [*CoverageGaps(surplus=1.5).items(rows(texts=8, missing=5), "run/plan.jsonl:0")]
    assert not {item.key for item in items} & {item.key for item in later}


@pytest.mark.parametrize("language", ["ja", "en"])
def test_worked_examples_say_the_fact(language: Any) -> None:
    kinds = Counter[str]()
    for number in range(60):
        found = rehearse_item(CoverageGaps(language=language), Item(str(number), record=rows()), 0)
        assert found.made is not None, found.dropped
        [exchange] = found.exchanges
        kinds[exchange.template.split("/")[1].split(".")[0]] += 1
        assert says(found.made.written, PLAN, 70)
        prompt = str(exchange.messages[0]["content"])
        assert "{{ 7 * 7 }}" in prompt
        assert "<|im_end|>" not in prompt
        assert "歌" in prompt
    assert min(kinds["prose"], kinds["around"]) > 10


def test_a_text_without_the_fact_is_dropped() -> None:
    recipe = CoverageGaps()
    reasons = Counter(
        rehearse_item(recipe, Item(str(number), record=rows()), 0, lambda ask, step: Reply(("別の話です。",))).dropped
        for number in range(60)
    )
    assert set(reasons) == {"", NOT_SAID}
    assert 20 < reasons[NOT_SAID] < 50


@pytest.mark.parametrize("changed", [{"entity": []}, {"answer": "射撃"}, {"missing": "5"}, {"relation": None}])
def test_a_row_of_something_else_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"plan.jsonl:0 {NO_PLAN}"):
        [*CoverageGaps().items(rows(**changed), "k")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("のび太の特技は射撃だ。", True),
        ("ﾉﾋﾞ太の特技は射撃だ。", False),
        ("のび太の特技は" + "あ" * 64 + "射撃だ。", True),
        ("のび太の特技は" + "あ" * 65 + "射撃だ。", False),
        ("のび太の特技は" + "あ" * 65 + "射撃、のび太。特技。", True),
        ("のび太は射撃がうまい。", False),
        ("", False),
    ],
)
def test_the_window_is_that_of_coverage(text: str, said: bool) -> None:
    assert says(text, PLAN, 70) is said
