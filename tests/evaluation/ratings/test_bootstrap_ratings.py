"""Intervals of ratings cover the true ones, and are open where the votes do not bound a rating."""

import math
import time
from dataclasses import replace

import numpy as np
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.ratings.battles import Battle
from tanuki_jax.evaluation.ratings.bootstrap_ratings import bounds, rate_with_intervals
from tanuki_jax.evaluation.ratings.bradley_terry import rate
from tests.evaluation.ratings.measure_ratings import Simulation, simulation
from tests.evaluation.ratings.simulated_votes import ANCHOR, NAMES, simulated_votes


def check(found: Simulation, low: float, high: float) -> None:
    """Check the pooled coverage, and the order of the pairs that are more than 100 points apart."""
    assert low <= found.coverage <= high, found
    assert found.far_pairs_in_order >= 0.95, found


@pytest.mark.parametrize("ties", [0.0, 0.75])
def test_intervals_cover_the_true_ratings_in_a_few_simulations(ties: float) -> None:
    # A repetition's 12 intervals go together, so that the share has a standard deviation of about .02 here.
    check(simulation(range(25), ties=ties, repetitions=400), 0.89, 0.99)


@pytest.mark.long
@pytest.mark.parametrize("ties", [0.0, 0.75])
def test_intervals_cover_the_true_ratings(ties: float) -> None:
    check(simulation(range(200), ties=ties), 0.92, 0.97)


@pytest.mark.long
def test_intervals_by_voter_cover_where_voters_have_tastes() -> None:
    by_voter = simulation(range(200), voters=60, taste=150, unit="voter")
    by_battle = simulation(range(200), voters=60, taste=150, unit="battle", repetitions=300)
    assert 0.92 <= by_voter.coverage <= 0.97, by_voter
    assert by_battle.coverage < by_voter.coverage - 0.02


def test_a_thousand_repetitions_take_seconds() -> None:
    battles = simulated_votes(np.random.default_rng(0))
    began = time.thread_time()
    board = rate_with_intervals(battles, ANCHOR)
    assert time.thread_time() - began < 4
    assert board.repetitions == 1000 and board.incomplete == 0 and board.unit == "battle"
    assert {name: model.rating for name, model in board.models.items()} == rate(battles, ANCHOR).ratings
    assert all(model.low < model.rating < model.high for name, model in board.models.items() if name != ANCHOR)
    assert board.models[ANCHOR] == (1000, 1000, 1000, 0)


def test_the_same_votes_give_the_same_intervals() -> None:
    battles = simulated_votes(np.random.default_rng(0))[:500]
    one, again = (rate_with_intervals(battles, ANCHOR, repetitions=50) for _ in range(2))
    assert one == again != rate_with_intervals(battles, ANCHOR, repetitions=50, seed=1)


def test_a_model_that_met_nobody_changes_no_interval() -> None:
    battles = simulated_votes(np.random.default_rng(0))[:500]
    board = rate_with_intervals(battles, ANCHOR, repetitions=50, models=[*NAMES, "new"])
    assert board.models == rate_with_intervals(battles, ANCHOR, repetitions=50).models and board.left_out == ("new",)


def test_a_model_that_lost_once_has_an_open_upper_bound() -> None:
    """In 36% of the repetitions its only loss is not drawn."""
    battles = [Battle("a", "b", "model_a")] * 40 + [Battle("a", "b", "model_b")] * 40
    battles += [Battle("top", "a", "model_a")] * 10 + [Battle("top", "b", "model_b")]
    board = rate_with_intervals(battles, "a")
    top, b = board.models["top"], board.models["b"]
    assert top.high == math.inf and 1000 < top.low < top.rating < math.inf
    assert top.unbounded / board.repetitions == pytest.approx((1 - 1 / 91) ** 91, abs=0.05)
    assert math.isfinite(b.low) and math.isfinite(b.high) and b.unbounded == 0
    assert board.incomplete == top.unbounded
    assert next(iter(board.models)) == "top"


def test_a_model_with_one_win_has_an_open_lower_bound() -> None:
    battles = [Battle("a", "b", "tie")] * 40 + [Battle("a", "low", "model_a")] * 10 + [Battle("low", "b", "model_a")]
    low = rate_with_intervals(battles, "a").models["low"]
    assert low.low == -math.inf and low.rating < low.high < 1000


def test_a_model_with_one_battle_is_open_on_both_sides() -> None:
    battles = [Battle("a", "b", "tie")] * 40 + [Battle("a", "new", "tie")]
    new = rate_with_intervals(battles, "a").models["new"]
    assert (new.low, new.high) == (-math.inf, math.inf) and new.rating == pytest.approx(1000)


def test_votes_copied_by_each_voter_narrow_no_interval() -> None:
    battles = simulated_votes(np.random.default_rng(5), voters=100)
    once = rate_with_intervals(battles, ANCHOR, unit="voter", repetitions=300)
    twice = rate_with_intervals(battles * 2, ANCHOR, unit="voter", repetitions=300)
    narrow = rate_with_intervals(battles * 2, ANCHOR, repetitions=300)
    for name, model in once.models.items():
        assert twice.models[name] == pytest.approx(model, abs=1e-6)
    assert narrow.models[NAMES[0]].high - narrow.models[NAMES[0]].low < 0.85 * (
        once.models[NAMES[0]].high - once.models[NAMES[0]].low
    )


def test_three_equal_votes_of_a_voter_are_one_of_weight_three() -> None:
    battles = simulated_votes(np.random.default_rng(6), voters=50)
    weighted = [replace(battle, weight=1 + 2 * (number % 2)) for number, battle in enumerate(battles)]
    repeated = [battle for number, battle in enumerate(battles) for _ in range(1 + 2 * (number % 2))]
    one, other = (rate_with_intervals(votes, ANCHOR, unit="voter", repetitions=40) for votes in (weighted, repeated))
    for name, model in one.models.items():
        assert other.models[name] == pytest.approx(model, abs=1e-6)


def test_few_units_are_given_wider_tails_than_many() -> None:
    draws = np.linspace(-3, 3, 10_001)[:, None]
    few, many = (bounds(draws, units)[1][0] for units in (10, 10_000))
    # t(9 degrees) = 2.262 times sqrt(10 / 9) = 2.385 normal deviations: a tail of .00855.
    assert few == pytest.approx(3 - 6 * 0.00855, abs=1e-3) and many == pytest.approx(3 - 6 * 0.025, abs=1e-3)


@pytest.mark.parametrize(
    ("battles", "message"),
    [
        ([Battle("a", "b", "tie", voter="v"), Battle("a", "b", "tie")], "1 of 2 battles name no voter"),
        ([Battle("a", "b", "tie", voter="v")] * 2, "all battles have the voter 'v'"),
    ],
)
def test_voters_must_be_known_and_several(battles: list[Battle], message: str) -> None:
    with pytest.raises(InputError, match=message):
        rate_with_intervals(battles, "a", unit="voter")
