"""Ratings at equal style: Bradley-Terry in which length and Markdown of the answers have coefficients of their own.

Chatbot Arena's style control (Li, Angelopoulos and Chiang 2024, lmsys.org/blog/2024-08-28-style-control): a feature of
a battle is normalize((a - b) / (a + b)) for values a and b of the two answers. To normalize is here to divide by the
root mean square, without subtracting the mean, so that which answer stood left changes nothing. The feature is 0 if
both values are 0.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.ratings.battles import Battle, BattleArrays, as_arrays
from tanuki_jax.evaluation.ratings.bootstrap_ratings import (
    REPETITIONS,
    Board,
    Unit,
    board_of,
    bounds,
    draw,
    effective_units,
    units_of,
)
from tanuki_jax.evaluation.ratings.bradley_terry import (
    anchor_index,
    as_ratings,
    pair_rows,
    without_battle,
    won,
)
from tanuki_jax.evaluation.ratings.logistic_fit import Floats, Rows, fit
from tanuki_jax.evaluation.ratings.text_style import FEATURES
from tanuki_jax.evaluation.ratings.win_graph import check_connected

_DEPENDENT = 1e-8
"""Share of a feature's variation that the models do not explain, below which the feature counts as theirs."""


class StyleEffect(NamedTuple):
    """Influence of a feature on votes."""

    coefficient: float
    """Logit that is gained by a difference of one root mean square."""
    low: float
    """Lower bound of the 95% interval."""
    high: float
    scale: float
    """Root mean square of (a - b) / (a + b)."""


class StyleBoard(NamedTuple):
    """Ratings at equal style."""

    board: Board
    effects: dict[str, StyleEffect]
    constant: tuple[str, ...]
    """Features in which no two answers differ: nothing can be said about them."""


def rate_at_equal_style(
    battles: Iterable[Battle],
    anchor: str,
    *,
    features: Sequence[str] = FEATURES,
    models: Sequence[str] = (),
    unit: Unit = "battle",
    repetitions: int = REPETITIONS,
    seed: int = 0,
) -> StyleBoard:
    """Return ratings and effects of style with 95% intervals.

    Arguments and errors are those of `rate_with_intervals`, and:

    Raises:
        InputError: a battle lacks a feature, a feature is the same for all answers of each model, or it alone decides.
    """
    rows = list(battles)
    arrays = as_arrays(rows)
    index = anchor_index(arrays, anchor, models)
    pairs, pair_wins, pair_totals = pair_rows(arrays)
    check_connected(won(pairs, pair_wins, pair_totals)[0], arrays.models)
    differences = _differences(rows, arrays, features)
    scale = np.sqrt(np.average(differences**2, axis=0, weights=arrays.weight))
    used = [name for name, size in zip(features, scale, strict=True) if size > 0]
    covariates, scale = differences[:, scale > 0] / scale[scale > 0], scale[scale > 0]
    _check_independent(arrays, covariates, used)
    strengths, coefficients = _fitted(arrays, covariates, used)
    units = units_of(rows, unit)
    draws = draw(arrays, covariates, units, index, repetitions, seed)
    ratings, left_out = as_ratings(strengths, index), without_battle(arrays, models)
    board = board_of(arrays, ratings, draws, units, anchor, unit, left_out)
    low, high = bounds(draws.coefficients, effective_units(arrays, units))
    columns = (coefficients.tolist(), low.tolist(), high.tolist(), scale.tolist())
    effects = {name: StyleEffect(*values) for name, *values in zip(used, *columns, strict=True)}
    return StyleBoard(board, effects, tuple(name for name in features if name not in used))


def _differences(battles: Sequence[Battle], arrays: BattleArrays, features: Sequence[str]) -> Floats:
    """Return (a - b) / (a + b), [N, S], for the model that stands first against the other."""
    for name in features:
        if missing := sum(name not in battle.style_a or name not in battle.style_b for battle in battles):
            raise InputError(
                f"{missing} of {len(battles)} battles do not say {name!r} of both answers; add it, or leave it out"
            )
    a = np.array([[battle.style_a[name] for name in features] for battle in battles]).reshape(len(battles), -1)
    b = np.array([[battle.style_b[name] for name in features] for battle in battles]).reshape(len(battles), -1)
    differences = (a - b) / np.where(a + b == 0, 1, a + b)
    return np.where(arrays.swapped[:, None], -differences, differences)


def _check_independent(arrays: BattleArrays, covariates: Floats, names: Sequence[str]) -> None:
    """Raise an InputError if a feature follows from the models of the battle and the features before it."""
    number = np.arange(len(covariates))
    known = np.zeros((len(covariates), len(arrays.models)))
    known[number, arrays.first], known[number, arrays.second] = 1, -1
    for name, column in zip(names, covariates.T, strict=True):
        # Least squares by the normal equations, which stay small for many battles.
        solution = np.linalg.lstsq(known.T @ known, known.T @ column)[0]
        if ((column - known @ solution) ** 2).mean() < _DEPENDENT:
            raise InputError(
                f"the feature {name!r} follows from the models and the other features, as if each model always wrote "
                "alike, so that its effect cannot be told from theirs; leave it out"
            )
        known = np.column_stack([known, column])


def _fitted(arrays: BattleArrays, covariates: Floats, names: Sequence[str]) -> tuple[Floats, Floats]:
    """Return strengths, [M], and coefficients, [S]."""
    order = np.lexsort((arrays.second, arrays.first))
    rows = Rows(arrays.first[order], arrays.second[order], covariates[order], len(arrays.models))
    weight = arrays.weight[order][None]
    found = fit(rows, weight * arrays.score[order], weight, np.ones((1, len(arrays.models)), bool))
    if not np.isfinite(found.coefficients).all():
        raise InputError(
            f"a feature decides each battle in which it differs ({', '.join(names)}), so that no finite effect fits; "
            "leave it out, or collect more battles"
        )
    return found.strengths[0], found.coefficients[0]
