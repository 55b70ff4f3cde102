"""Maximum likelihood of Bradley-Terry models with covariates, for many weightings of the same battles at once.

Logit of the expected score of model i against j with covariates z: beta_i - beta_j + z . gamma, i before j in the order
of the models (Bradley and Terry 1952; with covariates of the battle Springall 1973). Newton's method. evalica (0.4.2)
has neither covariates nor voters that are drawn anew, and brings pandas; `benchmarks/ratings.json` has its difference
from this fit and its time.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

type Floats = npt.NDArray[np.float64]
type Indices = npt.NDArray[np.intp]

_STEPS, _LONGEST_STEP, _TOLERANCE = 300, 1.0, 1e-10
_LARGEST = 100.0
"""Strength or coefficient above which a fit is considered infinite: odds of 1e43."""
_LARGEST_EFFECT = 25.0
"""Part of a battle's logit that is due to covariates, above which a fit is considered infinite: odds of 7e10.

Covariates that decide battles drive the fit to infinity only until rounding takes the slope away, near a logit of 37.
"""


class Rows(NamedTuple):
    """Battles of a kind, sorted by pair."""

    first: Indices
    """[N], index of a model."""
    second: Indices
    """[N], index of a model after it."""
    covariates: Floats
    """[N, S]."""
    models: int


class Fit(NamedTuple):
    """Strengths in R weightings."""

    strengths: Floats
    """[R, M], natural units, mean 0 over the models that are included; NaN: not included, or no finite fit."""
    coefficients: Floats
    """[R, S]; NaN: no finite fit."""


def pair_starts(rows: Rows) -> Indices:
    """Return the first row of each pair. Rows that are not sorted by pair are our fault."""
    key = rows.first * rows.models + rows.second
    assert (np.diff(key) >= 0).all() and (rows.first < rows.second).all()
    return np.flatnonzero(np.diff(key, prepend=-1))


def pair_sums(values: Floats, starts: Indices) -> Floats:
    """Return sums over the rows of each pair, [R, N] -> [R, P]."""
    return np.add.reduceat(values, starts, axis=1)


def symmetric(rows: Rows, starts: Indices, forth: Floats, back: Floats) -> Floats:
    """Return [R, M, M] from values of pairs, [R, P]: `forth` at (i, j), `back` at (j, i), i before j."""
    i, j = rows.first[starts], rows.second[starts]
    table = np.zeros((len(forth), rows.models, rows.models))
    table[:, i, j] = forth
    table[:, j, i] = back
    return table


def fit(rows: Rows, wins: Floats, totals: Floats, included: npt.NDArray[np.bool_]) -> Fit:
    """Return the strengths and coefficients of greatest likelihood.

    Args:
        rows: battles.
        wins: [R, N], weighted wins of the model that stands first, ties as halves.
        totals: [R, N], weight of the battles.
        included: [R, M], models whose win graph among themselves is strongly connected. Battles of others are ignored.
    """
    starts, count = pair_starts(rows), rows.models
    both = included[:, rows.first] & included[:, rows.second]
    wins, totals = np.where(both, wins, 0.0), np.where(both, totals, 0.0)
    found = np.zeros((len(wins), count + rows.covariates.shape[1]))
    running = np.arange(len(wins))
    for _ in range(_STEPS):
        gradient, hessian = _derivatives(rows, starts, found[running], wins[running], totals[running])
        # Strengths are known up to a constant, and those of models that are left out not at all: both are tied to 0.
        hessian[:, :count, :count] += 1 / count
        hessian[:, range(count), range(count)] += ~included[running]
        features = range(count, found.shape[1])
        hessian[:, features, features] += hessian[:, features, features] == 0  # a feature that no battle has
        step = _solved(hessian, gradient)
        size = np.abs(step).max(axis=1, keepdims=True)
        found[running] += step * np.minimum(1, _LONGEST_STEP / np.maximum(size, _LONGEST_STEP))
        running = running[(size[:, 0] > _TOLERANCE) & (np.abs(found[running]).max(axis=1) < _LARGEST)]
        if not len(running):
            break
    failed = np.zeros(len(wins), bool)
    failed[running] = True
    failed |= ~(np.abs(found).max(axis=1) < _LARGEST)
    failed |= ~(np.abs(np.where(both, found[:, count:] @ rows.covariates.T, 0)).max(axis=1) < _LARGEST_EFFECT)
    strengths = np.where(included & ~failed[:, None], found[:, :count], np.nan)
    return Fit(strengths, np.where(failed[:, None], np.nan, found[:, count:]))


def _solved(hessian: Floats, gradient: Floats) -> Floats:
    """Return Newton's steps; NaN where the Hessian is singular."""
    try:
        return np.linalg.solve(hessian, gradient[..., None])[..., 0]
    except np.linalg.LinAlgError:
        steps = np.full_like(gradient, np.nan)
        for index in range(len(gradient)):
            try:
                steps[index] = np.linalg.solve(hessian[index], gradient[index])
            except np.linalg.LinAlgError:
                continue
        return steps


def _derivatives(rows: Rows, starts: Indices, found: Floats, wins: Floats, totals: Floats) -> tuple[Floats, Floats]:
    """Return gradient [R, M + S] and negative Hessian [R, M + S, M + S] of the log-likelihood."""
    count, z = rows.models, rows.covariates
    logits = found[:, rows.first] - found[:, rows.second] + found[:, count:] @ z.T
    expected = (1 + np.tanh(logits / 2)) / 2
    residual, curvature = wins - totals * expected, totals * expected * (1 - expected)
    pulls, weights = pair_sums(residual, starts), pair_sums(curvature, starts)
    gradient = np.empty_like(found)
    gradient[:, :count] = symmetric(rows, starts, pulls, -pulls).sum(axis=2)
    gradient[:, count:] = residual @ z
    laplacian = symmetric(rows, starts, -weights, -weights)
    laplacian[:, range(count), range(count)] = -laplacian.sum(axis=2)
    hessian = np.empty((len(found), found.shape[1], found.shape[1]))
    hessian[:, :count, :count] = laplacian
    for number, feature in enumerate(z.T):
        moved = pair_sums(curvature * feature, starts)
        hessian[:, :count, count + number] = symmetric(rows, starts, moved, -moved).sum(axis=2)
        hessian[:, count + number, count:] = (curvature * feature) @ z
    hessian[:, count:, :count] = np.swapaxes(hessian[:, :count, count:], 1, 2)
    return gradient, hessian
