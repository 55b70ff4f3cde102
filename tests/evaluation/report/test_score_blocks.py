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
from tests.evaluation.report.made_runs import (
    choice_benchmark,
    missing,
    recall_benchmark,
    results,
    write_run,
    write_two_runs,
)


@pytest.fixture
def runs(tmp_path: Path) -> list[RunResults]:
    return read_runs(write_two_runs(tmp_path))


def cells(block: Block) -> list[Sequence[str]]:
    return [row.cells for row in block.rows]


def test_scores_stand_side_by_side_with_intervals_and_counts(runs: list[RunResults]) -> None:
    block = scores_block(runs, [])
    assert block.head == ("metric", "tiny_dpo", "Tanuki-8B-dpo-v1.0")
    assert cells(block)[:5] == [
        ("JCommonsenseQA, 0-shot", "", ""),
        ("strict", "0.450 [0.350, 0.550]", "0.650 [0.550, 0.750]"),
        ("flexible", "0.529 [0.429, 0.629], 3 unreadable", "0.650 [0.550, 0.750]"),
        ("control", "1.000 [0.900, 1.100]", "1.000 [0.900, 1.100]"),
        ("requests", "20 items, 1 failed, 2 cut", "20 items, 0 failed, 0 cut"),
    ]
    assert [row.marked for row in block.rows[:5]] == [False, False, False, False, True]
    assert [row.heading for row in block.rows[:5]] == [True, False, False, False, False]
    assert "↓" not in block.note


def test_benchmarks_and_metrics_that_no_run_has_are_left_out(tmp_path: Path, runs: list[RunResults]) -> None:
    assert not any("JMMLU" in row.cells[0] for row in scores_block(runs, []).rows)
    value = choice_benchmark(3)
    value["metrics"]["control"] |= {"mean": None, "low": None, "high": None, "items": 0}
    [run] = [read_run(write_run(tmp_path / "other", results("other", [value])))]
    assert [row.cells[0] for row in scores_block([run], []).rows][1:] == ["strict", "flexible", "requests"]
    assert scores_block([], []).note == "No benchmark has a score."


def test_a_metric_that_is_better_if_lower_is_marked_so(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path, results("a", [recall_benchmark([1.0, 4.0])])))
    block = scores_block([run], [])
    assert [row.cells[0] for row in block.rows] == ["Recall of lists", "f1", "invented ↓", "requests"]
    assert block.note.endswith("↓: lower is better.")


def test_marks_of_mt_bench_have_two_decimals(runs: list[RunResults]) -> None:
    rows = cells(scores_block(runs, []))
    assert rows[rows.index(("Japanese MT-Bench", "", "")) + 1] == ("score", "4.88 [4.78, 4.97]", "6.88 [6.78, 6.97]")


def test_further_figures_of_a_benchmark_are_shown(tmp_path: Path) -> None:
    value = choice_benchmark(3) | {"overall": {"spearman": 0.5, "gain": 0.25, "gain_low": -0.125, "gain_high": 0.5}}
    run = read_run(write_run(tmp_path, results("a", [value])))
    assert cells(scores_block([run], []))[-3:-1] == [("spearman", "0.500"), ("gain", "0.250 [-0.125, 0.500]")]


def test_every_missing_benchmark_is_named_with_its_reason(runs: list[RunResults]) -> None:
    block = missing_block(runs)
    assert block is not None
    assert cells(block) == [
        ("there is no file data/jmmlu; the README says how to get it", "JMMLU, 0-shot", "tiny_dpo"),
        ("not among the benchmarks that were run", "JMMLU, 0-shot", "Tanuki-8B-dpo-v1.0"),
    ]
    assert missing_block(runs[1:]) is None


def test_missing_benchmarks_are_grouped_by_reason(tmp_path: Path) -> None:
    absent = [missing(f"jnli_{shots}shot", f"JNLI, {shots}-shot", "there is no file") for shots in (0, 2)]
    more = [missing("mt_bench_ja", "Japanese MT-Bench", "no judge")]
    values = {"a": absent, "b": [*absent, *more, choice_benchmark(3)]}
    folders = [write_run(tmp_path / name, results(name, value)) for name, value in values.items()]
    block = missing_block(read_runs(folders))
    assert block is not None
    assert cells(block) == [
        ("there is no file", "JNLI, 0-shot; JNLI, 2-shot", "a, b"),
        ("no judge", "Japanese MT-Bench", "b"),
        ("not among the benchmarks that were run", "Japanese MT-Bench; JCommonsenseQA, 0-shot", "a"),
    ]


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
