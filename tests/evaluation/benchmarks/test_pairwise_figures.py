"""Figures of comparisons, against arithmetic by hand."""

import logging
import math
from collections.abc import Mapping

import numpy as np
import pytest

from tanuki_jax.evaluation.benchmark import Item, Scores
from tanuki_jax.evaluation.benchmarks.pairwise_figures import (
    battles_of,
    constant_verdict,
    figures_of,
    judge_figures,
    style_values,
)


def compared(model_first: float, baseline_first: float, **style: float) -> dict[str, float]:
    wins = [(1 + np.sign(verdict)) / 2 for verdict in (model_first, baseline_first)]
    verdicts = {"verdict_model_first": model_first, "verdict_baseline_first": baseline_first}
    return {"win": float(np.mean(wins)), **verdicts, **style}


def scored(*values: Mapping[str, float]) -> list[tuple[Item, Scores]]:
    return [(Item(str(number), ""), Scores(each)) for number, each in enumerate(values)]


def test_agreement_compares_the_winner_and_not_how_clear_it_is() -> None:
    values = [compared(2, 1), compared(-1, -1), compared(1, -1), compared(0, 1), compared(0, 0)]
    assert judge_figures(values)["agreement"] == 3 / 5


def test_the_first_place_is_counted_among_verdicts_with_a_winner() -> None:
    # The first answer is chosen by (1, .), (., -2) and (., -1); the second by (-1, .) and (., 1).
    values = [compared(1, -2), compared(-1, 1), compared(0, -1)]
    figures = judge_figures(values)
    assert figures["first_place"] == 3 / 5 and figures["ties"] == pytest.approx(1 / 6)


def test_a_verdict_of_one_order_counts_for_the_judge_but_not_for_agreement() -> None:
    assert judge_figures([{"verdict_model_first": 1.0}]) == {"first_place": 1, "ties": 0}
    assert judge_figures([{"verdict_baseline_first": 1.0}]) == {"first_place": 0, "ties": 0}
    assert judge_figures([{}]) == {}


@pytest.mark.parametrize(("verdict", "shown"), [(2, "A>>B"), (1, "A>B"), (0, "A=B"), (-1, "B>A"), (-2, "B>>A")])
def test_a_judge_that_always_says_the_same_is_named(verdict: float, shown: str) -> None:
    same = [compared(verdict, -verdict)] * 5
    assert constant_verdict(same) == shown
    assert constant_verdict(same[:4]) == ""
    assert constant_verdict([*same, compared(verdict, 1 - verdict)]) == ""


def test_the_style_is_that_of_both_answers() -> None:
    values = style_values("# 題\n- 一\n- 二", "**太**字")
    assert (values["model_headings"], values["model_lists"], values["baseline_bold"]) == (1, 2, 1)


def test_a_clear_win_counts_as_three_battles() -> None:
    first, second = battles_of(Item("q", ""), compared(2, -1, model_length=7, baseline_length=3))
    assert (first.winner, first.weight, second.winner, second.weight) == ("model_a", 3, "model_b", 1)
    assert first.cluster == second.cluster == "q"
    assert (first.style_a["length"], first.style_b["length"]) == (7, 3)
    assert [battle.winner for battle in battles_of(Item("q", ""), compared(0, 0))] == ["tie", "tie"]


def test_a_failed_answer_is_lost_and_an_unreadable_verdict_is_no_battle() -> None:
    assert [(each.winner, each.weight) for each in battles_of(Item("q", ""), {"win": 0.0})] == [("model_b", 1)] * 2
    assert [*battles_of(Item("q", ""), {"verdict_model_first": 1.0})] == []


def test_the_rating_is_the_logarithm_of_the_odds() -> None:
    values = [compared(1, 1), compared(1, 1), compared(2, 1), compared(-1, -1), compared(1, -1)]
    wins, losses = 2 + 2 + (3 + 1) + 1, 2 + 1
    figures = figures_of("pairwise", scored(*values))
    assert figures["rating"] == pytest.approx(1000 + 400 * math.log10(wins / losses))


def test_a_bound_that_the_verdicts_do_not_hold_is_left_out() -> None:
    """One loss of 20 questions: without it, which many draws are, the model is never beaten."""
    figures = figures_of("pairwise", scored(*[compared(1, 1)] * 19, compared(-1, -1)))
    assert "rating_high" not in figures and 1000 < figures["rating_low"] < figures["rating"]


def test_equal_style_takes_the_effect_of_length_out() -> None:
    """A judge that only looks at length, and a model that writes twice as much."""
    random = np.random.default_rng(0)
    values = []
    for _ in range(400):
        own, other = random.integers(20, 2_000), random.integers(10, 1_000)
        chance = 1 / (1 + math.exp(-3 * (own - other) / (own + other)))
        verdict = 1.0 if random.random() < chance else -1.0
        values.append(compared(verdict, verdict, model_length=float(own), baseline_length=float(other)))
    figures = figures_of("pairwise", scored(*values))
    assert figures["rating_low"] > 1000
    for style in ("length", "style"):
        assert figures[f"rating_at_equal_{style}_low"] < 1000 < figures[f"rating_at_equal_{style}_high"]
    assert figures["effect_of_length"] > 0.5 and "effect_of_lists" not in figures


def test_a_style_of_one_model_alone_leaves_the_rating_at_equal_length(caplog: pytest.LogCaptureFixture) -> None:
    values = [
        compared(
            (-1) ** number, (-1) ** (number // 2), model_length=5 + number, baseline_length=9, model_bold=number % 2
        )
        for number in range(40)
    ]
    assert "rating_at_equal_style" in figures_of("pairwise", scored(*values)) and caplog.text == ""
    figures = figures_of("pairwise", scored(*(each | {"model_headings": 2.0} for each in values)))
    assert "rating_at_equal_length" in figures and "rating_at_equal_style" not in figures
    assert "pairwise: there is no rating at equal style: the feature" in caplog.text
    assert "leave it out" not in caplog.text


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([{}, {}], "no question has a verdict in both orders"),
        ([compared(1, -1)], "only one question has a verdict in both orders, and an interval needs two"),
        ([compared(1, 1), compared(2, 1)], "the model won every comparison, so that no finite rating fits; a stronger"),
        ([compared(-1, -1), {"win": 0.0}], "the model lost every comparison, so that no finite rating fits; a weaker"),
    ],
)
def test_ratings_that_cannot_be_given_are_left_out(
    values: list[Mapping[str, float]], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        figures = figures_of("pairwise", scored(*values))
    assert figures == judge_figures(values)
    assert f"pairwise: there is no rating: {reason}" in caplog.text and "vote" not in caplog.text


@pytest.mark.parametrize("values", [[compared(0, 0)] * 2, [compared(1, 1), compared(-1, 0)]])
def test_two_questions_without_one_winner_have_a_rating(values: list[Mapping[str, float]]) -> None:
    assert "rating" in figures_of("pairwise", scored(*values))
