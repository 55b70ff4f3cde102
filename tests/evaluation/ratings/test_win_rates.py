"""Win rates counted by hand."""

import math

import pytest

from tanuki_jax.evaluation.ratings.battles import Battle
from tanuki_jax.evaluation.ratings.win_rates import WinRate, pair_results, win_rates

BATTLES = [
    Battle("a", "b", "model_a"),
    Battle("b", "a", "model_a"),
    Battle("b", "a", "model_b", weight=2),
    Battle("a", "b", "tie"),
    Battle("a", "c", "both_bad"),
]


def test_a_win_rate_counts_battles_without_a_winner() -> None:
    rates = win_rates(BATTLES)
    assert rates == {"a": WinRate(5, 2, 1, 1, 1), "b": WinRate(4, 1, 2, 1, 0), "c": WinRate(1, 0, 0, 0, 1)}
    assert list(rates) == ["a", "b", "c"]
    assert rates["a"].win_rate == pytest.approx(2 / 5) and rates["a"].score == pytest.approx(3 / 5)
    assert rates["c"].win_rate == 0 and rates["c"].score == 0.5


def test_pairs_stand_beside_what_the_ratings_predict() -> None:
    results = pair_results(BATTLES, {"a": 1000, "b": 1400})
    assert results[1][:7] == ("b", "a", 4, 1, 2, 1, 0)
    assert results[1][7:] == pytest.approx((1.5 / 5, 10 / 11))
    assert results[0][:8] == ("a", "c", 1, 0, 0, 0, 1, 0.5) and math.isnan(results[0].predicted)


def test_models_without_rating_are_paired_by_name() -> None:
    assert [(pair.model, pair.other, pair.wins) for pair in pair_results(BATTLES, {})] == [("a", "b", 2), ("a", "c", 0)]
