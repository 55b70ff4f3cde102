"""Answers in an exact form."""

from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.benchmark import Item, Reply, Scores
from tanuki_jax.evaluation.benchmarks.exact_formats import ExactFormats


def scores_of(task: ExactFormats, item: Item, reply: Reply) -> Scores:
    chain = task.chain(item)
    next(chain)
    with pytest.raises(StopIteration) as end:
        chain.send([reply])
    scores: Scores = end.value.value
    return scores


def test_the_form_counts_apart_from_the_items() -> None:
    task = ExactFormats(families=("instructions",), count=30)
    for item in task.load(Path()).items:
        assert scores_of(task, item, Reply(item.expected)).values == {"strict": 1, "flexible": 1, "control": 1}
        assert scores_of(task, item, Reply(f"はい。{item.expected}")).values == {
            "strict": 0,
            "flexible": 1,
            "control": 0,
        }
        assert scores_of(task, item, Reply(failure="x")).values == {"strict": 0, "flexible": 0, "control": 0}
    other = task.load(Path()).items[0]
    replaced = other.expected.replace(other.row.problem.contents[0][1], "")
    assert replaced != other.expected and not scores_of(task, other, Reply(replaced)).values["flexible"]


def test_families_without_a_form_are_an_error() -> None:
    with pytest.raises(InputError, match="the answers of the family 'arithmetic' have no exact form; use "):
        ExactFormats(families=("arithmetic",)).load(Path())
