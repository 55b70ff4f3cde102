"""Runs over the same items are compared item by item."""

from pathlib import Path

import pytest

from tanuki_jax.evaluation.report.paired_runs import paired, paired_block
from tanuki_jax.evaluation.report.read_results import RunResults, read_run, read_runs
from tests.evaluation.report.made_runs import choice_benchmark, recall_benchmark, results, write_run, write_two_runs


@pytest.fixture
def runs(tmp_path: Path) -> list[RunResults]:
    return read_runs(write_two_runs(tmp_path))


def test_a_difference_is_over_items_that_both_could_read(runs: list[RunResults]) -> None:
    strict = paired(runs[0], runs[1], "jcommonsenseqa_0shot", "strict")
    flexible = paired(runs[0], runs[1], "jcommonsenseqa_0shot", "flexible")
    assert strict is not None and flexible is not None
    assert (strict.items, strict.better, strict.worse) == (20, 0, 4)
    assert strict.difference == pytest.approx(-0.2)
    assert flexible.items == 17


def test_no_test_is_made_without_shared_items(tmp_path: Path, runs: list[RunResults]) -> None:
    assert paired(runs[0], runs[1], "jmmlu_0shot", "strict") is None
    value = choice_benchmark(3)
    for each in value["items"]:
        each["expected"] = "another answer"
    other = read_run(write_run(tmp_path / "other", results("other", [value])))
    assert paired(runs[0], other, "jcommonsenseqa_0shot", "strict") is None
    assert paired_block([runs[0]]) is None


def test_fewer_of_what_is_better_if_lower_are_better(tmp_path: Path) -> None:
    values = {"a": [1.0, 4.0, 4.0], "b": [0.0, 5.0, 6.0]}
    folders = [write_run(tmp_path / name, results(name, [recall_benchmark(each)])) for name, each in values.items()]
    block = paired_block(read_runs(folders))
    assert block is not None
    [row] = [row.cells for row in block.rows if row.cells[1] == "invented ↓"]
    assert row[3:6] == ("3", "2", "1")
    assert row[6].startswith("-0.67 [")


def test_every_pair_of_runs_is_shown_with_interval_and_p(runs: list[RunResults]) -> None:
    block = paired_block(runs)
    assert block is not None
    first = block.rows[0].cells
    assert first[:7] == (
        "JCommonsenseQA, 0-shot",
        "strict",
        "tiny_dpo − Tanuki-8B-dpo-v1.0",
        "20",
        "0",
        "4",
        first[6],
    )
    assert first[6].startswith("-0.200 [-0.")
    assert 0.05 < float(first[7]) < 0.2  # four of four to one side: 1/8, half of it by mid-p
    talk = next(row.cells for row in block.rows if row.cells[0] == "Japanese MT-Bench")
    assert talk[6].startswith("-2.00 [") and talk[7] == "< 0.001"
    assert f"There are {len(block.rows)} tests" in block.note
