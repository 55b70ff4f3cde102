"""Ratings that change with each battle: Elo and Glicko-2, for curves over time.

They depend on the order of the battles; `bradley_terry` does not, and is what the board shows.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from tanuki_jax.evaluation.ratings.battles import SCORES, Battle

ELO_START, ELO_K = 1000.0, 4.0
"""Rating of a new model and factor of a step in Chatbot Arena's first board."""
_GLICKO_POINTS = 173.7178
_TOLERANCE = 1e-6


class EloPoint(NamedTuple):
    """Rating of a model after a battle."""

    battle: int
    """Number of the battle, from 1."""
    rating: float


class Glicko(NamedTuple):
    """State of a model in Glicko-2; the defaults are those of a new one."""

    rating: float = 1500.0
    deviation: float = 350.0
    volatility: float = 0.06

    @property
    def low(self) -> float:
        """Lower bound of the 95% interval."""
        return self.rating - 1.96 * self.deviation

    @property
    def high(self) -> float:
        """Upper bound of the 95% interval."""
        return self.rating + 1.96 * self.deviation


class GlickoPoint(NamedTuple):
    """State of a model after a battle."""

    battle: int
    """Number of the battle, from 1."""
    state: Glicko


def elo(battles: Iterable[Battle], *, start: float = ELO_START, k: float = ELO_K) -> dict[str, list[EloPoint]]:
    """Return the ratings of each model after each of its battles (Elo 1978), in the order of the battles.

    Args:
        battles: votes in the order of their time. Weights are ignored.
        start: rating of a new model.
        k: points that a win against an equal model gives twice.
    """
    curves: dict[str, list[EloPoint]] = {}
    for number, battle in enumerate(battles, 1):
        a, b = (curves.setdefault(name, []) for name in (battle.model_a, battle.model_b))
        rating_a, rating_b = (curve[-1].rating if curve else start for curve in (a, b))
        gain = k * (SCORES[battle.winner] - 1 / (1 + 10 ** ((rating_b - rating_a) / 400)))
        a.append(EloPoint(number, rating_a + gain))
        b.append(EloPoint(number, rating_b - gain))
    return curves


def glicko2(battles: Iterable[Battle], *, tau: float = 0.5) -> dict[str, list[GlickoPoint]]:
    """Return the states of each model after each of its battles; a battle is a rating period of its two models.

    Args:
        battles: votes in the order of their time. Weights are ignored.
        tau: constraint of the volatility over time, .3 to 1.2.
    """
    curves: dict[str, list[GlickoPoint]] = {}
    for number, battle in enumerate(battles, 1):
        a, b = (curves.setdefault(name, []) for name in (battle.model_a, battle.model_b))
        state_a, state_b = (curve[-1].state if curve else Glicko() for curve in (a, b))
        score = SCORES[battle.winner]
        a.append(GlickoPoint(number, after_period(state_a, [(state_b, score)], tau)))
        b.append(GlickoPoint(number, after_period(state_b, [(state_a, 1 - score)], tau)))
    return curves


def after_period(state: Glicko, games: Iterable[tuple[Glicko, float]], tau: float) -> Glicko:
    """Return the state after a rating period with at least one game.

    Glickman (2013), "Example of the Glicko-2 system", steps 2 to 8. A game is the opponent's state before the period
    and the score, 0 to 1.
    """
    mu, phi = (state.rating - 1500) / _GLICKO_POINTS, state.deviation / _GLICKO_POINTS
    information = surplus = 0.0
    for opponent, score in games:
        g = 1 / math.sqrt(1 + 3 * (opponent.deviation / _GLICKO_POINTS / math.pi) ** 2)
        expected = 1 / (1 + math.exp(-g * (mu - (opponent.rating - 1500) / _GLICKO_POINTS)))
        information += g * g * expected * (1 - expected)
        surplus += g * (score - expected)
    variance = 1 / information
    volatility = _volatility(state.volatility, phi, variance, variance * surplus, tau)
    phi = 1 / math.sqrt(1 / (phi**2 + volatility**2) + information)
    return Glicko(1500 + _GLICKO_POINTS * (mu + phi**2 * surplus), _GLICKO_POINTS * phi, volatility)


def _volatility(sigma: float, phi: float, variance: float, delta: float, tau: float) -> float:
    """Solve for the new volatility (step 5, by the Illinois method)."""
    start = math.log(sigma**2)

    def excess(x: float) -> float:
        spread = phi**2 + variance + math.exp(x)
        return math.exp(x) * (delta**2 - spread) / (2 * spread**2) - (x - start) / tau**2

    low = start
    if delta**2 > phi**2 + variance:
        high = math.log(delta**2 - phi**2 - variance)
    else:
        steps = 1
        while excess(start - steps * tau) < 0:
            steps += 1
        high = start - steps * tau
    excess_low, excess_high = excess(low), excess(high)
    while abs(high - low) > _TOLERANCE:
        middle = low + (low - high) * excess_low / (excess_high - excess_low)
        excess_middle = excess(middle)
        if excess_middle * excess_high <= 0:
            low, excess_low = high, excess_high
        else:
            excess_low /= 2
        high, excess_high = middle, excess_middle
    return math.exp(low / 2)
