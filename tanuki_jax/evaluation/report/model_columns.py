"""Columns of a report: the runs of one model are one column as far as they do not contradict each other."""

import dataclasses
from collections.abc import Sequence

from tanuki_jax.evaluation.report.read_results import BenchmarkResult, RunResults, labelled


def model_columns(runs: Sequence[RunResults]) -> list[RunResults]:
    """Return the columns of a report, each with a label of its own.

    A run joins the first column of its model (same name and fingerprint) that it does not contradict. Two runs
    contradict each other if both have finished a benchmark and its results differ, as with other settings. Columns of
    one model are named by their first folders.
    """
    columns: list[RunResults] = []
    for run in runs:
        for number, column in enumerate(columns):
            if _is_same_model(column, run) and not _contradict(column, run):
                columns[number] = _joined(column, run)
                break
        else:
            columns.append(run)
    return [
        dataclasses.replace(column, label=f"{column.model}, {column.folder}")
        if sum(_is_same_model(column, other) for other in columns) > 1
        else column
        for column in labelled(columns)
    ]


def _is_same_model(one: RunResults, other: RunResults) -> bool:
    return (one.model, one.fingerprint) == (other.model, other.fingerprint)


def _contradict(one: RunResults, other: RunResults) -> bool:
    """Whether both runs have finished a benchmark with different results."""
    return any(
        not benchmark.missing and (found := other.benchmark(benchmark.name)) is not None and found != benchmark
        for benchmark in one.benchmarks
    )


def _joined(column: RunResults, run: RunResults) -> RunResults:
    """Return a column with the benchmarks of one more run; a missing benchmark gives way to a finished one."""
    benchmarks: dict[str, BenchmarkResult] = {}
    for each in (*column.benchmarks, *run.benchmarks):
        if each.name not in benchmarks or benchmarks[each.name].missing:
            benchmarks[each.name] = each
    names = column.name if run.name in column.name.split(" + ") else f"{column.name} + {run.name}"
    return dataclasses.replace(
        column, name=names, finished=max(column.finished, run.finished), benchmarks=tuple(benchmarks.values())
    )
