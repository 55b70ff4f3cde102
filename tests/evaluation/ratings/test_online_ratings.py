"""Elo and Glicko-2 as their authors compute them."""

import math

import pytest

from tanuki_jax.evaluation.ratings.battles import Battle
from tanuki_jax.evaluation.ratings.online_ratings import Glicko, after_period, elo, glicko2


def test_glickmans_worked_example_comes_out() -> None:
    """Example of the Glicko-2 system (2013): he rounds mu' to -.2069 and phi' to .8722 before he gets 1464.06."""
    games = [(Glicko(1400, 30), 1.0), (Glicko(1550, 100), 0.0), (Glicko(1700, 300), 0.0)]
    found = after_period(Glicko(1500, 200, 0.06), games, tau=0.5)
    assert round((found.rating - 1500) / 173.7178, 4) == -0.2069 and found.rating == pytest.approx(1464.06, abs=0.01)
    assert round(found.deviation, 2) == 151.52 and round(found.volatility, 5) == 0.06
    assert found.volatility == pytest.approx(0.05999, abs=1e-5)


@pytest.mark.parametrize("tau", [0.3, 1.2])
@pytest.mark.parametrize(("opponent", "score"), [(1500, 0.5), (1600, 1), (2500, 1), (2500, 0)])
def test_the_volatility_solves_glickmans_equation(opponent: float, score: float, tau: float) -> None:
    """Step 5, for one opponent with a deviation of 30; the root by scipy."""
    from scipy.optimize import brentq

    old = Glicko(1500, 50, 0.06)
    found = after_period(old, [(Glicko(opponent, 30), score)] * 5, tau=tau)
    phi, other, distance = (value / 173.7178 for value in (50, 30, opponent - 1500))
    g = 1 / math.sqrt(1 + 3 * other**2 / math.pi**2)
    expected = 1 / (1 + math.exp(g * distance))
    v = 1 / (5 * g**2 * expected * (1 - expected))
    delta = v * 5 * g * (score - expected)

    def f(x: float) -> float:
        e = math.exp(x)
        return e * (delta**2 - phi**2 - v - e) / (2 * (phi**2 + v + e) ** 2) - (x - math.log(0.06**2)) / tau**2

    assert found.volatility == pytest.approx(math.exp(brentq(f, -20, -3) / 2), rel=1e-5)
    assert (found.volatility > old.volatility) == (opponent > 1500 and score == 1)


def test_each_battle_is_a_period_of_its_two_models() -> None:
    curves = glicko2([Battle("a", "b", "model_a"), Battle("c", "a", "tie")])
    first = after_period(Glicko(), [(Glicko(), 1.0)], 0.5)
    assert curves["a"][0].state == first and curves["a"][0].battle == 1
    assert curves["a"][1].state == after_period(first, [(Glicko(), 0.5)], 0.5) and curves["a"][1].battle == 2
    assert curves["c"] == [(2, after_period(Glicko(), [(first, 0.5)], 0.5))]
    assert curves["b"][0].state.rating == pytest.approx(3000 - first.rating)
    assert curves["b"][0].state.high - curves["b"][0].state.low == pytest.approx(2 * 1.96 * first.deviation)


def test_elo_moves_by_k_times_the_surprise() -> None:
    curves = elo([Battle("a", "b", "model_a"), Battle("a", "b", "tie"), Battle("b", "c", "model_b")], k=32)
    # Expected scores 1/2, then 1 / (1 + 10 ** (-32 / 400)) = .545922, then 1 / (1 + 10 ** (14.5305 / 400)) = .479101.
    assert [point.rating for point in curves["a"]] == pytest.approx([1016, 1014.5305], abs=1e-4)
    assert [point.rating for point in curves["b"]] == pytest.approx([984, 985.4695, 970.1383], abs=1e-4)
    assert [point.rating for point in curves["c"]] == pytest.approx([1015.3312], abs=1e-4)
    assert [point.battle for point in curves["b"]] == [1, 2, 3]
