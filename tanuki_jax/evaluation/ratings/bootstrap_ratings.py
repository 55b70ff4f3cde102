"""Bradley-Terry ratings with 95% intervals: the battles, or the voters with all of theirs, are drawn anew many times.

A repetition may lack the battles that hold a model to the anchor. If the model then has only wins against it, directly
or through others, its rating counts as infinite, with only losses as minus infinite; if neither, it counts as below the
interval for the lower bound and as above it for the upper one. So a bound is open (infinite) if the votes do not hold
it, while a repetition that is left out would make the interval too narrow.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.ratings.battles import Battle, BattleArrays, as_arrays
from tanuki_jax.evaluation.ratings.bradley_terry import (
    ANCHOR_RATING,
    anchor_index,
    as_ratings,
    best_first,
    pair_rows,
    without_battle,
    won,
)
from tanuki_jax.evaluation.ratings.logistic_fit import Floats, Rows, fit, pair_starts, pair_sums
from tanuki_jax.evaluation.ratings.win_graph import check_connected, reachable

type Unit = Literal["battle", "voter", "cluster"]

REPETITIONS = 1_000
_NUMBERS_AT_ONCE = 4_000_000


class RatedModel(NamedTuple):
    """A model on the board."""

    rating: float
    low: float
    """Lower bound of the 95% interval; -inf: the battles do not bound it."""
    high: float
    unbounded: int
    """Repetitions in which its battles did not hold it to the anchor."""


class Board(NamedTuple):
    """Rated models, the best first."""

    anchor: str
    models: dict[str, RatedModel]
    left_out: tuple[str, ...]
    """Models without a battle."""
    unit: Unit
    """Unit that was drawn anew."""
    repetitions: int
    incomplete: int
    """Repetitions in which at least one model was not held to the anchor."""


class Draws(NamedTuple):
    """Ratings and coefficients of R repetitions."""

    ratings: Floats
    """[R, M]; infinite: only wins or only losses against the anchor; NaN: neither."""
    coefficients: Floats
    """[R, S] of covariates; NaN: no finite fit."""


def rate_with_intervals(
    battles: Iterable[Battle],
    anchor: str,
    *,
    models: Sequence[str] = (),
    unit: Unit = "battle",
    repetitions: int = REPETITIONS,
    seed: int = 0,
) -> Board:
    """Return ratings with their intervals. Arguments and errors of `rate`, and:

    Args:
        battles: votes.
        anchor: model with a rating of 1000.
        models: models that may have no battle.
        unit: what is drawn anew: battles if they are independent; voters or clusters, whole, if theirs are not.
        repetitions: how many times.
        seed: of the draws.
    """
    rows = list(battles)
    arrays = as_arrays(rows)
    index = anchor_index(arrays, anchor, models)
    pairs, wins, totals = pair_rows(arrays)
    check_connected(won(pairs, wins, totals)[0], arrays.models)
    strengths = fit(pairs, wins, totals, np.ones((1, len(arrays.models)), bool)).strengths[0]
    units = units_of(rows, unit)
    draws = draw(arrays, np.empty((len(rows), 0)), units, index, repetitions, seed)
    return board_of(arrays, as_ratings(strengths, index), draws, units, anchor, unit, without_battle(arrays, models))


def board_of(
    arrays: BattleArrays,
    ratings: Floats,
    draws: Draws,
    units: npt.NDArray[np.intp] | None,
    anchor: str,
    unit: Unit,
    left_out: tuple[str, ...],
) -> Board:
    """Return the board of ratings, [M], and their draws."""
    low, high = bounds(draws.ratings, effective_units(arrays, units))
    unbounded = ~np.isfinite(draws.ratings)
    columns = zip(low.tolist(), high.tolist(), unbounded.sum(axis=0).tolist(), strict=True)
    found = dict(zip(arrays.models, columns, strict=True))
    models = {name: RatedModel(rating, *found[name]) for name, rating in best_first(arrays, ratings).items()}
    return Board(anchor, models, left_out, unit, len(unbounded), int(unbounded.any(axis=1).sum()))


def units_of(battles: Sequence[Battle], unit: Unit) -> npt.NDArray[np.intp] | None:
    """Return [N], number of the voter or cluster of each battle; None: each battle is a unit.

    InputError if a battle names none, or if there are fewer than two.
    """
    if unit == "battle":
        return None
    names = [getattr(battle, unit) for battle in battles]
    if missing := sum(not name for name in names):
        raise InputError(f"{missing} of {len(names)} battles name no {unit}; draw battles instead, or name it")
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    if len(numbers) < 2:
        raise InputError(f"all battles have the {unit} {names[0]!r}; an interval needs at least two, so draw battles")
    return np.array([numbers[name] for name in names], np.intp)


def effective_units(arrays: BattleArrays, units: npt.NDArray[np.intp] | None) -> float:
    """Return the number of equally large units that would say as much (Kish 1965)."""
    weights = arrays.weight if units is None else np.bincount(units, arrays.weight)
    return float(weights.sum() ** 2 / (weights**2).sum())


def bounds(draws: Floats, units: float) -> tuple[Floats, Floats]:
    """Return lower and upper bounds, [M], of expanded percentile intervals (Hesterberg 2015) of draws, [R, M].

    Each tail holds less than 2.5%, by as much as Student's t is wider than the normal distribution, since a bootstrap
    of few units is too narrow. NaN counts as a draw beyond either bound.
    """
    from scipy.special import ndtr, stdtrit

    tail = float(ndtr(-math.sqrt(units / (units - 1)) * stdtrit(units - 1, 0.975))) if units > 1 else 0.0
    low = np.quantile(np.where(np.isnan(draws), -np.inf, draws), tail, axis=0, method="lower")
    high = np.quantile(np.where(np.isnan(draws), np.inf, draws), 1 - tail, axis=0, method="higher")
    return low, high


def draw(
    arrays: BattleArrays,
    covariates: Floats,
    units: npt.NDArray[np.intp] | None,
    anchor: int,
    repetitions: int,
    seed: int,
) -> Draws:
    """Rate battles that are drawn anew, with covariates [N, S] of them."""
    columns = [arrays.first, arrays.second, arrays.score, arrays.weight, *covariates.T]
    columns += [] if units is None else [units]
    kinds, counts = np.unique(np.stack(columns, axis=1).astype(float), axis=0, return_counts=True)
    first, second = kinds[:, 0].astype(np.intp), kinds[:, 1].astype(np.intp)
    rows = Rows(first, second, kinds[:, 4 : 4 + covariates.shape[1]], len(arrays.models))
    # Battles of a kind are alike, so that only the number that is drawn of each kind matters.
    sizes = counts if units is None else np.ones(units.max() + 1)
    random = np.random.default_rng(seed)
    at_once = max(1, _NUMBERS_AT_ONCE // max(len(rows.first), 4 * rows.models**2))
    parts = []
    for begin in range(0, repetitions, at_once):
        size = min(at_once, repetitions - begin)
        drawn = random.multinomial(int(sizes.sum()), sizes / sizes.sum(), size)
        if units is not None:
            drawn = drawn[:, kinds[:, -1].astype(np.intp)] * counts
        totals = drawn * kinds[:, 3]
        parts.append(_rated(rows, totals * kinds[:, 2], totals, anchor))
    return Draws(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _rated(rows: Rows, wins: Floats, totals: Floats, anchor: int) -> Draws:
    """Rate R weightings, [R, N], of the rows."""
    paths = reachable(won(rows, wins, totals))
    beaten, beat = paths[:, anchor, :], paths[:, :, anchor]
    if not rows.covariates.shape[1]:
        starts = pair_starts(rows)
        wins, totals = pair_sums(wins, starts), pair_sums(totals, starts)
        rows = Rows(rows.first[starts], rows.second[starts], np.empty((len(starts), 0)), rows.models)
    found = fit(rows, wins, totals, beaten & beat)
    ratings = as_ratings(found.strengths, anchor)
    ratings[beat & ~beaten] = np.inf
    ratings[beaten & ~beat] = -np.inf
    ratings[:, anchor] = ANCHOR_RATING
    return Draws(ratings, found.coefficients)
