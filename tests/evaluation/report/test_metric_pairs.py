"""Correlations of the deck, from its table, and the pairs that are shown."""

from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.report.joined_board import JoinedBoard, join
from tanuki_jax.evaluation.report.metric_pairs import (
    MetricPair,
    chosen_pairs,
    metric_pair,
    pair_cells,
    pairs_block,
    scatter_block,
)
from tanuki_jax.evaluation.report.read_results import read_run
from tanuki_jax.evaluation.tables.outside_tables import NAMES, TANUKIS, shipped
from tests.evaluation.report.made_runs import choice_benchmark, results, write_run


@pytest.fixture(scope="module")
def board() -> JoinedBoard:
    return join([shipped(name) for name in NAMES], [])


def pair_of(board: JoinedBoard, x: str, y: str, without: tuple[str, ...] = TANUKIS) -> MetricPair:
    return metric_pair(board, board.find(x).name, board.find(y).name, board.without(without))


@pytest.mark.parametrize(
    ("x", "y", "of_all", "of_rest"),
    [
        ("rating", "jmt_avg", 0.864, 0.894),
        ("rating", "nejumi_lb3_total", 0.708, 0.918),
        ("rating", "jaster_0shot", 0.560, 0.933),
        ("win_rate", "jmt_avg", 0.907, None),
        ("win_rate", "nejumi_lb3_total", None, 0.927),
    ],
)
def test_the_correlations_are_those_of_the_deck(
    board: JoinedBoard, x: str, y: str, of_all: float | None, of_rest: float | None
) -> None:
    pair = pair_of(board, x, y)
    assert (len(pair.models), pair.rest) == (12, 10)
    assert pair.of_all is not None and pair.of_rest is not None
    if of_all is not None:
        assert round(pair.of_all.pearson.value, 3) == of_all
    if of_rest is not None:
        assert round(pair.of_rest.pearson.value, 3) == of_rest


def test_a_row_has_both_correlations_with_intervals(board: JoinedBoard) -> None:
    cells = pair_cells(pair_of(board, "rating", "jaster_0shot"))
    assert cells[:3] == ("board.rating", "board.jaster_0shot", "12")
    assert cells[3].startswith("0.560 [-0.02")  # tanh(atanh(.56) - 1.96 / 3)
    assert cells[5] == "10"
    assert cells[6].startswith("0.933 [0.")


def test_without_a_model_to_leave_out_there_is_one_correlation(board: JoinedBoard) -> None:
    assert pair_cells(pair_of(board, "tokens_b", "jmt_bench"))[5:] == ("", "", "")
    assert pair_cells(pair_of(board, "rating", "jmt_avg", ()))[5:] == ("", "", "")


def test_two_models_and_equal_values_have_no_correlation(board: JoinedBoard, tmp_path: Path) -> None:
    assert pair_of(board, "rating", "contest.overall").of_all is None
    three = [read_run(write_run(tmp_path / name, results(name, [choice_benchmark(9)]))) for name in TANUKIS]
    small = join([shipped("board")], three)
    pair = pair_of(small, "rating", "jcommonsenseqa_0shot.strict")
    assert len(pair.models) == 2
    assert pair_cells(pair)[2:5] == ("2", "–", "–")


def test_chosen_metrics_are_paired_each_with_each(board: JoinedBoard) -> None:
    assert chosen_pairs(board, ["rating", "jmt_avg", "board.rating", "tokens_b"], ()) == [
        ("board.rating", "board.jmt_avg"),
        ("board.rating", "mt_bench_by_tokens.tokens_b"),
        ("board.jmt_avg", "mt_bench_by_tokens.tokens_b"),
    ]
    with pytest.raises(InputError, match=r"names board\.rating alone"):
        chosen_pairs(board, ["rating"], ())


def test_a_metric_of_three_known_runs_is_paired_with_the_board(board: JoinedBoard, tmp_path: Path) -> None:
    assert chosen_pairs(board, [], NAMES) == list(board.pairs)
    assert chosen_pairs(board, [], ["contest"]) == [("contest.neo_short", "contest.neo_long")]
    names = (*TANUKIS, "gpt-3.5-turbo")
    runs = [read_run(write_run(tmp_path / n, results(n, [choice_benchmark(len(n))]))) for n in names]
    joined = join([shipped("board")], runs)
    assert ("board.rating", "jcommonsenseqa_0shot.strict") in chosen_pairs(joined, [], ())
    assert chosen_pairs(join([shipped("board")], runs[:2]), [], ()) == []


def test_a_scatter_plot_names_both_correlations(board: JoinedBoard) -> None:
    block = scatter_block(pair_of(board, "rating", "jaster_0shot"), frozenset({"PLAMO-100B"}))
    assert block.title == "board.jaster_0shot against board.rating"
    assert "12 models, r = 0.560 [" in block.note and "r = 0.933 [" in block.note
    assert "Tanuki-8B-dpo-v1.0 1000, 0.22" in block.pictures[0].description


def test_the_block_of_correlations_names_who_is_left_out(board: JoinedBoard) -> None:
    pairs = [pair_of(board, x, y) for x, y in board.pairs]
    block = pairs_block(pairs, sorted(TANUKIS))
    assert block.note.endswith("Without: the same without Tanuki-8B-dpo-v1.0, Tanuki-8x8B-dpo-v1.0.")
    assert len(block.rows) == len(board.pairs)
