"""Scores of runs side by side, with failures, cut answers and missing benchmarks in sight."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tanuki_jax.evaluation.report.read_results import RunResults, read_run, read_runs
from tanuki_jax.evaluation.report.report_block import Block
from tanuki_jax.evaluation.report.score_blocks import (
    benchmarks_of,
    group_blocks,
    missing_block,
    runs_block,
    score_range,
    scores_block,
)
from tests.evaluation.report.made_runs import choice_benchmark, results, write_run, write_two_runs


@pytest.fixture
def runs(tmp_path: Path) -> list[RunResults]:
    return read_runs(write_two_runs(tmp_path))


def cells(block: Block) -> list[Sequence[str]]:
    return [row.cells for row in block.rows]


def test_scores_stand_side_by_side_with_intervals_and_counts(runs: list[RunResults]) -> None:
    block = scores_block(runs, [])
    assert block.head == ("benchmark", "metric", "tiny_dpo", "Tanuki-8B-dpo-v1.0")
    assert cells(block)[:4] == [
        ("JCommonsenseQA, 0-shot", "strict", "0.450 [0.350, 0.550]", "0.650 [0.550, 0.750]"),
        ("", "flexible", "0.529 [0.429, 0.629], 3 unreadable", "0.650 [0.550, 0.750]"),
        ("", "control", "1.000 [0.900, 1.100]", "1.000 [0.900, 1.100]"),
        ("", "requests", "20 items, 1 failed, 2 cut", "20 items, 0 failed, 0 cut"),
    ]
    assert [row.marked for row in block.rows[:4]] == [False, False, False, True]
    assert cells(block)[-1] == ("JMMLU, 0-shot", "requests", "missing", "missing")


def test_marks_of_mt_bench_have_two_decimals(runs: list[RunResults]) -> None:
    row = next(row for row in cells(scores_block(runs, [])) if row[0] == "Japanese MT-Bench")
    assert row[1:] == ("score", "4.88 [4.78, 4.97]", "6.88 [6.78, 6.97]")


def test_further_figures_of_a_benchmark_are_shown(tmp_path: Path) -> None:
    value = choice_benchmark(3) | {"overall": {"spearman": 0.5}}
    run = read_run(write_run(tmp_path, results("a", [value])))
    assert ("", "spearman", "0.500") in cells(scores_block([run], []))


def test_every_missing_benchmark_is_named_with_its_reason(runs: list[RunResults]) -> None:
    block = missing_block(runs)
    assert block is not None
    assert cells(block) == [
        ("JMMLU, 0-shot", "tiny_dpo", "there is no file data/jmmlu; the README says how to get it"),
        ("JMMLU, 0-shot", "Tanuki-8B-dpo-v1.0", "not among the benchmarks of this run"),
    ]
    assert missing_block(runs[1:]) is None


def test_a_benchmark_that_one_run_finished_is_not_missing(tmp_path: Path, runs: list[RunResults]) -> None:
    value = choice_benchmark(3) | {"name": "jmmlu_0shot"}
    other = read_run(write_run(tmp_path / "other", results("other", [value])))
    found = {each.name: bool(each.missing) for each in benchmarks_of([*runs, other])}
    assert found["jmmlu_0shot"] is False


def test_the_block_of_runs_sums_failures_and_folds_settings(runs: list[RunResults]) -> None:
    block = runs_block(runs)
    assert cells(block)[0][-4:] == ("3", "66", "1", "2")
    assert '"sha256"' in block.folded[0][1] and '"tanuki_jax": "0.1.0"' in block.folded[0][1]


def test_levels_are_in_the_order_of_schools(runs: list[RunResults]) -> None:
    block = next(block for block in group_blocks(runs) if "by level" in block.title)
    assert block.title == "School problems by rule: correct by level"
    assert [row[:2] for row in cells(block)] == [("elementary", "10"), ("middle", "10"), ("high", "10")]
    assert [row[2].partition(" ")[0] for row in cells(block)] == ["0.800", "0.400", "0.100"]
    assert len(block.pictures) == 1


def test_mt_bench_has_a_radar_chart_of_its_categories(runs: list[RunResults]) -> None:
    block = next(block for block in group_blocks(runs) if "by category" in block.title)
    assert block.title == "Japanese MT-Bench: score by category"
    assert cells(block)[0][0] == "humanities"
    assert [row[1] for row in cells(block)] == ["2"] * 8
    assert len(block.pictures) == 1
    assert len([block for block in group_blocks(runs)]) == 2


def test_the_range_of_a_metric_is_its_scale_or_has_what_is_beyond() -> None:
    assert score_range((1, 10), [4, 5]) == (1, 10)
    assert score_range((8, 0), [0.5, 9.5]) == (0, 9.5)  # bits a byte: the worst value is a guess


def test_intervals_of_categories_stay_on_the_scale(runs: list[RunResults]) -> None:
    block = next(block for block in group_blocks(runs) if "by category" in block.title)
    assert block.rows[0].cells[2].endswith("[1.00, 10.00]")  # two scores say nothing
