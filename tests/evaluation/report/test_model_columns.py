"""Runs of one model are one column, as far as they do not contradict each other."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tanuki_jax.evaluation.report.model_columns import model_columns
from tanuki_jax.evaluation.report.read_results import RunResults, read_runs
from tests.evaluation.report.made_runs import choice_benchmark, level_benchmark, missing, results, write_run

LEVELS = level_benchmark({"middle": 3})


def columns_of(tmp_path: Path, *values: Mapping[str, Any]) -> list[RunResults]:
    """Return the columns of runs that are written in this order."""
    return model_columns(read_runs([write_run(tmp_path / str(n), value) for n, value in enumerate(values)]))


def names_of(column: RunResults) -> list[str]:
    return [each.name for each in column.benchmarks if not each.missing]


def test_runs_of_one_model_are_joined(tmp_path: Path) -> None:
    [one, other] = columns_of(
        tmp_path,
        results("a", [choice_benchmark(3)], finished="2026-12-02T00:00:00Z"),
        results("b", [choice_benchmark(4)]),
        results("a", [LEVELS], name="schools"),
    )
    assert (one.label, one.name, names_of(one)) == ("a", "tiny + schools", ["jcommonsenseqa_0shot", "school_problems"])
    assert one.finished == "2026-12-02T00:00:00Z"
    assert (other.label, names_of(other)) == ("b", ["jcommonsenseqa_0shot"])


def test_other_weights_under_one_name_are_another_column(tmp_path: Path) -> None:
    other = results("a", [LEVELS], name="schools") | {"model": {"name": "a", "fingerprint": "other", "urls": []}}
    columns = columns_of(tmp_path, results("a", [choice_benchmark(3)]), other)
    assert [column.label for column in columns] == ["a, tiny", "a, schools"]


def test_runs_that_contradict_each_other_stay_apart(tmp_path: Path) -> None:
    runs = [results("a", [choice_benchmark(right)]) for right in (3, 5)]
    one, other = columns_of(tmp_path, *runs, results("a", [LEVELS]))
    assert [column.label for column in (one, other)] == [f"a, {tmp_path / '0'}", f"a, {tmp_path / '1'}"]
    assert [names_of(one), names_of(other)] == [["jcommonsenseqa_0shot", "school_problems"], ["jcommonsenseqa_0shot"]]


def test_equal_results_do_not_contradict_and_finished_ones_count(tmp_path: Path) -> None:
    absent = missing("school_problems", "School problems by rule", "no data")
    [column] = columns_of(
        tmp_path, results("a", [absent, choice_benchmark(3)]), results("a", [choice_benchmark(3), LEVELS], name="more")
    )
    assert sorted(names_of(column)) == ["jcommonsenseqa_0shot", "school_problems"]
    assert len(column.benchmarks) == 2
