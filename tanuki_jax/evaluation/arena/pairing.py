"""The models of the next battle: few battles first, and, if asked for, the pairs whose vote tells most.

Tanuki's makers drew the first model by 1 / n^2 of its n battles, and the second one among all others alike. A new model
would then be in every battle, so that the ratio to the mean of the others has a limit here.
"""

import math
import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tanuki_jax.evaluation.arena.arena_settings import Contestant, Pairing, same_model
from tanuki_jax.evaluation.ratings.bradley_terry import POINTS, expected_score

_UNKNOWN_HALF_WIDTH = 350.0
"""Rating points by which the rating of a model without a board may be wrong, the deviation of a new one in Glicko-2."""


class Standing(NamedTuple):
    """A model on the board."""

    rating: float
    half_width: float
    """Half of its 95% interval, in rating points."""


def draw_pair(
    models: Sequence[Contestant],
    battles: Mapping[str, int],
    standings: Mapping[str, Standing],
    pairing: Pairing,
    chance: random.Random,
) -> tuple[Contestant, Contestant]:
    """Return the models of a battle, the one of the left pane first.

    Args:
        models: models that answer at present, of which at least one pair can meet.
        battles: name -> battles with a vote so far; a model that is not there has none.
        standings: name -> place on the board, of the models that have one.
        pairing: how pairs are drawn.
        chance: source of the draws.
    """
    pairs = pair_shares(models, battles, standings, pairing)
    [(one, other)] = chance.choices([*pairs], [*pairs.values()])
    by_name = {model.name: model for model in models}
    sides = [by_name[one], by_name[other]]
    chance.shuffle(sides)
    return sides[0], sides[1]


def pair_shares(
    models: Sequence[Contestant],
    battles: Mapping[str, int],
    standings: Mapping[str, Standing],
    pairing: Pairing,
) -> dict[tuple[str, str], float]:
    """Return how likely each pair is to be drawn, its names sorted. Arguments are those of `draw_pair`."""
    shares: dict[tuple[str, str], float] = {}
    first = _first_shares(models, battles, pairing.catch_up)
    for model in models:
        others = [other for other in models if not same_model(model, other)]
        if not others:
            continue
        plain = _normalised([other.weight for other in others])
        telling = _normalised([other.weight * _told(model.name, other.name, standings) for other in others])
        for other, by_weight, by_news in zip(others, plain, telling, strict=True):
            pair = (min(model.name, other.name), max(model.name, other.name))
            second = (1 - pairing.close) * by_weight + pairing.close * by_news
            shares[pair] = shares.get(pair, 0.0) + first[model.name] * second
    total = sum(shares.values())
    return {pair: share / total for pair, share in sorted(shares.items())}


def _first_shares(models: Sequence[Contestant], battles: Mapping[str, int], catch_up: float) -> dict[str, float]:
    """Return how likely each model is to be drawn first."""
    counts = {model.name: battles.get(model.name, 0) + 1 for model in models}
    mean = sum(counts.values()) / len(counts)
    need = {model.name: model.weight * min((mean / counts[model.name]) ** 2, catch_up) for model in models}
    return dict(zip(need, _normalised([*need.values()]), strict=True))


def _told(one: str, other: str, standings: Mapping[str, Standing]) -> float:
    """Return how much a vote on a pair tells: the variance of its result, times that of the difference of the ratings
    (the first term of the information that a comparison gains; Glickman and Jensen 2005)."""
    unknown = Standing(math.nan, _UNKNOWN_HALF_WIDTH)
    a, b = standings.get(one, unknown), standings.get(other, unknown)
    expected = 0.5 if math.isnan(a.rating - b.rating) else expected_score(a.rating, b.rating)
    spread = sum(min(each.half_width, _UNKNOWN_HALF_WIDTH) ** 2 for each in (a, b))
    return expected * (1 - expected) * spread / POINTS**2


def _normalised(values: Sequence[float]) -> list[float]:
    total = sum(values)
    return [value / total for value in values] if total else [1 / len(values)] * len(values)
