"""Ratings by maximum likelihood: Bradley-Terry, 400 points for odds of ten to one, one named model at 1000.

Ties, and battles of two bad answers, are half a win for each, as on the deck's board.
"""

import difflib
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.ratings.battles import Battle, BattleArrays, as_arrays
from tanuki_jax.evaluation.ratings.logistic_fit import Floats, Rows, fit, pair_starts, pair_sums, symmetric
from tanuki_jax.evaluation.ratings.win_graph import check_connected

ANCHOR_RATING = 1000.0
POINTS = 400 / math.log(10)
"""Rating points in a natural unit of strength."""


class Ratings(NamedTuple):
    """Ratings of the models that have battles, the best first."""

    anchor: str
    ratings: dict[str, float]
    left_out: tuple[str, ...]
    """Models without a battle."""


def rate(battles: Iterable[Battle], anchor: str, *, models: Sequence[str] = ()) -> Ratings:
    """Return the ratings of greatest likelihood.

    Args:
        battles: votes.
        anchor: model with a rating of 1000.
        models: models that may have no battle; they are left out and change no other rating.

    Raises:
        InputError: there are no battles, the anchor has none, or no finite ratings fit: models never met, or some never
            lost or never won against the others.
    """
    arrays = as_arrays(battles)
    index = anchor_index(arrays, anchor, models)
    rows, wins, totals = pair_rows(arrays)
    check_connected(won(rows, wins, totals)[0], arrays.models)
    strengths = fit(rows, wins, totals, np.ones((1, len(arrays.models)), bool)).strengths[0]
    assert np.isfinite(strengths).all()
    return Ratings(anchor, best_first(arrays, as_ratings(strengths, index)), without_battle(arrays, models))


def anchor_index(arrays: BattleArrays, anchor: str, models: Sequence[str]) -> int:
    """Return the anchor's place among the models that have battles. InputError if it has none or is unknown."""
    if not arrays.models:
        raise InputError("there are no battles to rate; collect votes first")
    if anchor in arrays.models:
        return arrays.models.index(anchor)
    if anchor in models:
        raise InputError(f"the anchor {anchor!r} has no battle; name one that has, such as {arrays.models[0]!r}")
    [near] = difflib.get_close_matches(anchor, arrays.models, n=1, cutoff=0.0)
    raise InputError(f"there is no model {anchor!r} to be the anchor; the nearest is {near!r}")


def pair_rows(arrays: BattleArrays) -> tuple[Rows, Floats, Floats]:
    """Return a row for each pair that met, the wins [1, P] of the model that stands first, and the totals [1, P]."""
    order = np.lexsort((arrays.second, arrays.first))
    first, second = arrays.first[order], arrays.second[order]
    rows = Rows(first, second, np.empty((len(order), 0)), len(arrays.models))
    starts, weight = pair_starts(rows), arrays.weight[order]
    totals = pair_sums(weight[None], starts)
    wins = pair_sums((weight * arrays.score[order])[None], starts)
    return Rows(first[starts], second[starts], np.empty((len(starts), 0)), rows.models), wins, totals


def won(rows: Rows, wins: Floats, totals: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Return [R, M, M], whether a model has at least half a win against another; from [R, N] weights of the rows."""
    starts = pair_starts(rows)
    return symmetric(rows, starts, pair_sums(wins, starts), pair_sums(totals - wins, starts)) > 0


def as_ratings(strengths: Floats, anchor: int) -> Floats:
    """Return strengths, [..., M] in natural units, as ratings."""
    return ANCHOR_RATING + POINTS * (strengths - strengths[..., anchor, None])


def best_first(arrays: BattleArrays, ratings: Floats) -> dict[str, float]:
    """Return ratings, [M], by model; equal ones by name."""
    named = zip(arrays.models, ratings.tolist(), strict=True)
    return dict(sorted(named, key=lambda item: (-item[1], item[0])))


def without_battle(arrays: BattleArrays, models: Sequence[str]) -> tuple[str, ...]:
    """Return the models that have no battle, sorted."""
    return tuple(sorted(set(models) - set(arrays.models)))


def expected_score(rating: float, other: float) -> float:
    """Return the expected score of a model against another: its chance to win, plus half of that of a tie."""
    return (1 + math.tanh((rating - other) / POINTS / 2)) / 2
