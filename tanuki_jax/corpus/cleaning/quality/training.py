"""Training of the linear quality model: a support vector machine, by dual coordinate descent."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.quality.linear_model import (
    WEIGHTINGS,
    Floats,
    QualityModel,
    Read,
    Scales,
    read_text,
)
from tanuki_jax.corpus.cleaning.quality.views import BUCKETS, VIEWS

COST = 2.0
"""Cost of a text on the wrong side of its margin. Between 1 and 4 the accuracy hardly changes."""
DIRECTIONS = 512
"""Number of random directions in which profiles are compared."""
LEAST_LABELS = 10
"""Least number of good, and of bad texts."""
_FOLDS = 5

type Sparse = tuple[npt.NDArray[np.int64], Floats]
type Bools = npt.NDArray[np.bool_]


def train(texts: Sequence[str], good: Sequence[bool], seed: int = 0) -> QualityModel:
    """Return a model of labelled texts.

    It takes about 10 ms and 60 KB a text, so that some ten thousand texts are a few minutes and a gigabyte.

    Raises:
        InputError: there are too few texts of one kind.
    """
    return train_read([read_text(text) for text in texts], np.array(good, bool), seed)


def train_read(read: Sequence[Read], good: Bools, seed: int = 0) -> QualityModel:
    """Return a model of labelled texts that were read."""
    least = min(int(good.sum()), int((~good).sum()))
    if least < LEAST_LABELS:
        raise InputError(
            f"{least} texts with one of the labels are too few to learn from; give at least {LEAST_LABELS}"
        )
    margins = np.zeros(len(read))
    folds = folds_of(len(read), _FOLDS, seed)
    for fold in range(_FOLDS):
        inside = [int(i) for i in np.flatnonzero(folds != fold)]
        scales, weights = _fit([read[i] for i in inside], good[inside], seed)
        for i in map(int, np.flatnonzero(folds == fold)):
            indices, values = scales.features(read[i])
            margins[i] = weights[indices] @ values
    slope, offset = platt(margins, good)
    scales, weights = _fit(read, good, seed)
    return QualityModel(scales, weights, slope, offset)


def folds_of(count: int, folds: int, seed: int) -> npt.NDArray[np.int64]:
    """Return the fold of each of `count` texts, drawn so that folds differ by one text at most."""
    return np.random.default_rng(seed).permutation(count) % folds


def _fit(read: Sequence[Read], good: Bools, seed: int) -> tuple[Scales, Floats]:
    scales = _scales(read, good, seed)
    return scales, dual_coordinate_descent([scales.features(text) for text in read], good, scales.size, seed)


def _scales(read: Sequence[Read], good: Bools, seed: int) -> Scales:
    """Return the factors of the features."""
    factors = np.zeros((len(WEIGHTINGS), BUCKETS), np.float32)
    for view, settings in VIEWS.items():
        of_texts = [text.grams[view].buckets for text in read]
        buckets, place = np.unique(np.concatenate(of_texts), return_inverse=True)
        labels = np.repeat(good, [len(found) for found in of_texts])
        documents = np.stack([np.bincount(place[labels == label], minlength=len(buckets)) for label in (False, True)])
        both = documents.sum(axis=0)
        known = both >= settings.least_documents
        shares = (documents + 1) / (documents + 1).sum(axis=1, keepdims=True, where=known)
        weightings = {
            "idf": np.log((1 + len(read)) / (1 + both)) + 1,
            "ratio": np.abs(np.log(shares[1] / shares[0])),
        }
        for block, (name, weighting) in enumerate(WEIGHTINGS):
            if name == view:
                factors[block, buckets] = np.where(known, weightings[weighting], 0)
    profiles = np.stack([text.profile for text in read])
    random = np.random.default_rng(seed)
    numbers = profiles.shape[1]
    return Scales(
        factors,
        profiles.mean(axis=0),
        profiles.std(axis=0) + 1e-9,
        random.normal(size=(numbers, DIRECTIONS)) / math.sqrt(numbers),
        random.uniform(0, 2 * math.pi, DIRECTIONS),
    )


def dual_coordinate_descent(
    texts: Sequence[Sparse], good: Bools, size: int, seed: int, tolerance: float = 0.01, epochs: int = 60
) -> Floats:
    """Return the weights of a support vector machine with hinge loss (Hsieh et al., 2008, algorithm 1)."""
    # The dual has one variable a text, alpha from 0 to COST, and weights = sum of alpha * sign * features. Each is set
    # to its best value while the others stay; that takes one product with the weights and one addition to them.
    signs = np.where(good, 1.0, -1.0)
    weights = np.zeros(size)
    alphas = np.zeros(len(texts))
    squares = [float(values @ values) for _, values in texts]
    random = np.random.default_rng(seed)
    for _ in range(epochs):
        worst = 0.0
        for i in random.permutation(len(texts)):
            indices, values = texts[i]
            gradient = signs[i] * float(weights[indices] @ values) - 1
            alpha = min(max(alphas[i] - gradient / squares[i], 0.0), COST)
            change = alpha - alphas[i]
            if change:
                worst = max(worst, abs(change))
                alphas[i] = alpha
                weights[indices] += change * signs[i] * values
        if worst < tolerance:
            break
    return weights.astype(np.float32)


def platt(margins: npt.NDArray[np.float64], good: Bools) -> tuple[float, float]:
    """Return slope and offset of the probability, by Newton's method on margins of texts that were held out."""
    positive, negative = int(good.sum()), int((~good).sum())
    targets = np.where(good, (positive + 1) / (positive + 2), 1 / (negative + 2))
    inputs = np.stack([margins, np.ones_like(margins)], axis=1)
    solution = np.zeros(2)
    for _ in range(50):
        chances = 1 / (1 + np.exp(-np.clip(inputs @ solution, -500, 500)))
        gradient = inputs.T @ (chances - targets)
        curvature = (inputs * (chances * (1 - chances))[:, None]).T @ inputs + 1e-6 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        solution -= step
        if float(np.abs(step).max()) < 1e-9:
            break
    return float(solution[0]), float(solution[1])
