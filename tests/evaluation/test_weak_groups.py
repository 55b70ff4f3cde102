"""The plan of what a model answers worst."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.synthesis.item_parts import items_of, parts_of
from tanuki_jax.corpus.synthesis.named_syntheses import synthesis
from tanuki_jax.evaluation.evaluate_commands import plan_rows
from tanuki_jax.evaluation.report.read_results import BenchmarkResult, MetricResult, RunItem, RunResults
from tanuki_jax.evaluation.weak_groups import weak_groups


def results(scale: tuple[float, float] = (0, 1), tag: str = "family", **scores: Sequence[float]) -> RunResults:
    """Return results of groups of items by name."""
    items = tuple(
        RunItem(f"{group}/{n}", "", {tag: group}, "", "", {"correct": float(score)}, (), "", ())
        for group, values in scores.items()
        for n, score in enumerate(values)
    )
    metric = MetricResult(0.5, 0.4, 0.6, len(items), 0)
    benchmark = BenchmarkResult("b", "B", scale, "", (), {"correct": metric}, {}, 0, 0, items)
    return RunResults(Path(), "m", "e", "m", "f", (), {}, {}, "", "", (benchmark,))


def share(right: float) -> list[float]:
    """Return scores of 40 items, of which a share is right."""
    return [float(n < right * 40) for n in range(40)]


def test_the_records_follow_the_gaps() -> None:
    found, others = weak_groups(results(arithmetic=share(0.5), table=share(0.25), units=share(1)), None, 1000)
    assert [(each.name, each.missing) for each in found] == [("table", 600), ("arithmetic", 400)]
    assert others == ["family units: 1.000 of 1.000"]


def test_a_difference_by_chance_is_not_weak() -> None:
    model = results(arithmetic=share(0.5), table=share(0.1))
    other = results(arithmetic=share(0.525), table=share(0.9))
    found, others = weak_groups(model, other, 100)
    assert [(each.name, each.missing) for each in found] == [("table", 100)]
    assert others == ["family arithmetic: 0.500 of 0.525"]


def test_ratings_are_read_on_their_scale() -> None:
    [group], _ = weak_groups(results((1, 10), "category", maths=[5.5] * 40), None, 10)
    assert (group.kind, group.name, group.score, group.missing) == ("category", "maths", 0.5, 10)


def test_other_items_are_an_error() -> None:
    with pytest.raises(InputError, match="the reference has no score for item table/0 of b"):
        weak_groups(results(table=share(0.5)), results(arithmetic=share(0.5)), 10)
    with pytest.raises(InputError, match="no items with a family"):
        weak_groups(results(), None, 10)


def test_the_recipe_weakness_takes_the_plan(tmp_path: Path) -> None:
    found, _ = weak_groups(results(arithmetic=share(0.5)), None, 10)
    (tmp_path / "plan.jsonl").write_text("".join(json.dumps(row) + "\n" for row in plan_rows(found)))
    run = dataclasses.replace(synthesis.find("weakness"), inputs=(str(tmp_path / "plan.jsonl"),))
    assert sum(1 for part in parts_of(run) for _ in items_of(part, run)) == 10
