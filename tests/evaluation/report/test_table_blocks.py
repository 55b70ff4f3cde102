"""Outside tables in the report: as they are stated, with tiers and sums, and joined with runs."""

from pathlib import Path

import pytest

from tanuki_jax.evaluation.report.joined_board import join
from tanuki_jax.evaluation.report.read_results import RunResults, read_run, read_runs
from tanuki_jax.evaluation.report.table_blocks import joined_block, run_tiers_block, table_blocks
from tanuki_jax.evaluation.tables.outside_tables import NAMES, shipped
from tanuki_jax.evaluation.tables.read_table import read_table
from tests.evaluation.report.made_runs import probe_benchmark, recall_benchmark, results, write_run, write_two_runs


@pytest.fixture
def runs(tmp_path: Path) -> list[RunResults]:
    return read_runs(write_two_runs(tmp_path))


def test_a_table_is_shown_as_it_is_stated(runs: list[RunResults]) -> None:
    [block] = table_blocks(shipped("board"), runs)
    assert block.head[:5] == ("developer", "model", "weights", "rating ↑", "win_rate ↑")
    assert block.left == 3
    assert [row.cells[6] for row in block.rows if row.cells[1] == "PLAMO-100B"] == ["(報告無し)"]
    assert [row.cells[1] for row in block.rows if row.marked] == ["Tanuki-8B-dpo-v1.0"]
    assert "Source: talk of February 2025" in block.note


def test_columns_of_text_come_first() -> None:
    [block] = table_blocks(shipped("contest"), [])
    assert (block.head[:2], block.left) == (("team", "rank ↓"), 1)
    assert "↓: lower is better. ↑: higher is better." in block.note
    assert block.note.splitlines()[1].startswith("Columns: rank: place by the overall score; overall: mean of")


def test_the_probe_matrix_has_tiers_and_sums() -> None:
    matrix, tiers = table_blocks(shipped("probe_matrix"), [])
    assert matrix.head == ("category", "model", "quantized", "tier", "rank", "q1", "q2", "q2_complement", "q2a", "q2b")
    assert matrix.left == 4
    assert matrix.rows[0].cells[3:] == ("high", "1", "○", "○", "○", "○", "○")
    assert matrix.rows[-1].cells == ("right", "", "", "", "", "15", "11", "10", "7", "13")
    assert [(row.cells[0], row.cells[3]) for row in tiers.rows] == [
        ("high", "6"),
        ("knows the trick", "4"),
        ("must be told", "3"),
        ("low", "7"),
        ("other", "1"),
    ]
    assert tiers.rows[4].cells[2] == "NousResearch/Hermes-3-Llama-3.1-405B"


def test_unknown_models_of_a_users_table_are_named(tmp_path: Path, runs: list[RunResults]) -> None:
    (tmp_path / "a.tsv").write_text("model\tscore\nelsewhere\t1\ntiny_dpo\t2\n")
    [block] = table_blocks(read_table("mine", tmp_path / "a.tsv"), runs, own=True)
    assert "Unknown to the runs: elsewhere." in block.note
    assert [row.marked for row in block.rows] == [False, True]


def test_the_joined_board_has_a_column_for_each_model(runs: list[RunResults]) -> None:
    tables = [shipped(name) for name in NAMES]
    block = joined_block(join(tables, runs), tables, [])
    assert block is not None
    assert block.head == (
        "metric",
        "tiny_dpo",
        "Tanuki-8B-dpo-v1.0",
        "Tanuki-8x8B-dpo-v1.0",
        "GPT-4o-mini-2024-07-18",
        "Calm3-22b-chat",
    )
    assert [row.cells[:3] for row in block.rows] == [
        ("tier by probes", "–", "low"),
        ("Benchmarks of the runs, the first metric of each", "", ""),
        ("jcommonsenseqa_0shot.strict ↑", "0.450", "0.650"),
        ("mt_bench_ja.score ↑", "4.88", "6.88"),
        ("school_problems.correct ↑", "0.433", "0.900"),
        ("The board: blind votes on dialogue, and the benchmarks of the same models", "", ""),
        ("board.rating ↑", "–", "1000"),
        ("board.win_rate ↑", "–", "0.28"),
        ("board.jmt_avg ↑", "–", "6.6"),
        ("board.nejumi_lb3_total ↑", "–", "0.52"),
        ("board.jaster_0shot ↑", "–", "0.22"),
    ]
    assert [row.heading for row in block.rows[:3]] == [False, True, False]
    # 9 of the board, 17 of the probes, 8 with their tokens
    assert "34 models of one table alone: only in that table" in block.note


def test_all_numbers_and_models_of_a_users_table_are_joined(tmp_path: Path, runs: list[RunResults]) -> None:
    text = "# column model: key\n# column votes: number\n# column loss: number, lower is better\n"
    (tmp_path / "a.tsv").write_text(f"{text}model\tvotes\tloss\nelsewhere\t1\t\ntiny_dpo\t2\t\n")
    own = [read_table("mine", tmp_path / "a.tsv")]
    block = joined_block(join(own, runs), [], own)
    assert block is not None
    assert block.head == ("metric", "tiny_dpo", "Tanuki-8B-dpo-v1.0", "elsewhere")
    assert block.rows[-1].cells == ("mine.votes", "2", "–", "1")  # loss has no number, and no row


def test_a_metric_that_is_better_if_lower_has_an_arrow_down(tmp_path: Path) -> None:
    value = recall_benchmark([1.0])
    value["metrics"] = {name: value["metrics"][name] for name in ("invented", "f1")}
    board = join([], [read_run(write_run(tmp_path, results("a", [value])))])
    assert {name: metric.direction for name, metric in board.metrics.items()} == {
        "recall.invented": "lower",
        "recall.f1": "higher",
    }
    block = joined_block(board, [], [])
    assert block is not None and block.rows[-1].cells == ("recall.invented ↓", "1.000")


def test_runs_that_asked_the_probes_have_tiers(tmp_path: Path, runs: list[RunResults]) -> None:
    assert run_tiers_block(runs) is None
    value = results("Tanuki-8B-dpo-v1.0", [probe_benchmark("must be told", 0.25)])
    run = read_run(write_run(tmp_path / "probed", value))
    block = run_tiers_block([run])
    assert block is not None
    assert block.head[3:] == ("q1", "q2", "q2_complement", "q2a", "q2b")
    assert block.rows[0].cells[2:5] == ("must be told", "0.250", "0.250")
    tables = [shipped("board"), shipped("probe_matrix")]
    joined = joined_block(join(tables, [run]), tables, [])
    assert joined is not None
    assert joined.head[1] == "Tanuki-8B-dpo-v1.0"
    assert joined.rows[0].cells[:2] == ("tier by probes", "must be told")  # the run's own, not the table's


def test_nothing_is_joined_without_models() -> None:
    tables = [shipped("contest")]
    assert joined_block(join(tables, []), tables, []) is None
