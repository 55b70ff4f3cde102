"""Records for what a model answered badly."""

from typing import Any

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Conversation, Document
from tanuki_jax.corpus.synthesis.recipe import Reply
from tanuki_jax.corpus.synthesis.recipes.weakness import Weakness
from tanuki_jax.corpus.synthesis.rehearse_item import Rehearsed, rehearse_item
from tanuki_jax.corpus.tasks.registry import find


def row(kind: str, name: str, missing: Any = 5) -> Document:
    return Document("plan.jsonl:0", "", {"kind": kind, "name": name, "missing": missing, "score": 0.2})


def rehearsed(record: Document, *answers: str) -> list[Rehearsed]:
    recipe = Weakness()
    items = [*recipe.items(record, "run/plan.jsonl:0")]
    assert len({item.key for item in items}) == len(items) > 4

    def reply(_: object, step: int) -> Reply:
        return Reply((answers[step],))

    return [rehearse_item(recipe, item, 0, reply if answers else None) for item in items]


def test_a_family_is_written_by_rule() -> None:
    for found in rehearsed(row("family", "probability")):
        assert found.exchanges == ()
        assert found.made is not None
        record = found.made.record
        assert isinstance(record, Conversation)
        assert record.metadata["family"] == "probability"
        assert record.id == found.key
        assert find("probability")


def test_a_category_is_asked_about() -> None:
    for found in rehearsed(row("category", "里山の動物")):
        assert "里山の動物" in str(found.exchanges[0].messages)
        assert found.made is not None
        assert found.made.record.metadata["genres"] == ["里山の動物"]


def test_a_format_is_checked_by_code() -> None:
    answers = ("狸はどこに住みますか。", "里山に住みます。")
    for found in rehearsed(row("format", "one_line"), *answers, "里山に住む。"):
        assert found.made is not None
    for found in rehearsed(row("format", "one_line"), *answers, "里山に\n住む。"):
        assert found.dropped == "the answer does not obey the command"


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (
            row("family", "probabilty"),
            "the family 'probabilty', which there is not; the nearest is 'probability'",
        ),
        (row("format", "jsn_keys"), "the nearest is 'json_keys'"),
        (row("colour", "red"), "is no row of a plan"),
        (row("category", " "), "is no row of a plan"),
        (row("category", "狸", -1), "is no row of a plan"),
        (row("category", "狸", "5"), "is no row of a plan"),
    ],
)
def test_a_row_of_no_plan_is_refused(record: Document, said: str) -> None:
    with pytest.raises(InputError, match=said):
        [*Weakness().items(record, "run/x")]
