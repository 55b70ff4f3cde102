"""Numbers that say how far samples of corpora mix: neighbours, a classifier, and shares of a mixture."""

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from tanuki_jax.corpus.maps.embedders import Vectors

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

NEIGHBOURS = 10
_FOLDS, _HALVINGS = 5, 5
_Z95 = 1.96


class Separation(NamedTuple):
    """Two samples, compared."""

    foreign: float
    """Share of the nearest neighbours that come from the other sample."""
    by_chance: float
    """Expected share if the samples were drawn from one corpus."""
    auc: float
    """Area under the ROC curve of a classifier that tells the samples apart, on texts that it did not see."""
    auc_low: float
    auc_high: float
    """Bounds of its 95% interval (Hanley and McNeil 1982)."""


def separation(one: Vectors, other: Vectors, seed: int) -> Separation:
    """Compare two samples, float32[N, D] and float32[M, D], of vectors of length 1."""
    vectors, labels = np.concatenate([one, other]), np.repeat([0, 1], [len(one), len(other)])
    foreign, by_chance = _neighbours(vectors, labels)
    auc = _auc(_held_out(vectors, labels, seed), labels)
    error = _Z95 * _standard_error(auc, len(one), len(other))
    return Separation(foreign, by_chance, auc, max(0.0, auc - error), min(1.0, auc + error))


def control(sample: Vectors, seed: int) -> Separation:
    """Compare random halves of one sample, the mean of several: what the numbers are where there is nothing to find."""
    random, half = np.random.default_rng(seed), len(sample) // 2
    orders = [random.permutation(len(sample)) for _ in range(_HALVINGS)]
    found = [separation(sample[order[:half]], sample[order[half:]], seed) for order in orders]
    return Separation(*np.mean(found, axis=0).tolist())


def share_of_second(first: Vectors, second: Vectors, mixture: Vectors, seed: int) -> float:
    """Return the share p for which the mixture has (1 - p) of the first corpus and p of the second.

    The mean probability that a classifier gives, corrected by what it gives to texts of each that it did not see
    (probabilistic adjusted count, Bella et al. 2010).
    """
    vectors, labels = np.concatenate([first, second]), np.repeat([0, 1], [len(first), len(second)])
    held_out = _held_out(vectors, labels, seed)
    low, high = held_out[labels == 0].mean(), held_out[labels == 1].mean()
    found = _classifier().fit(vectors, labels).predict_proba(mixture)[:, 1].mean()
    return float(np.clip((found - low) / max(high - low, 1e-9), 0, 1))


def _neighbours(vectors: Vectors, labels: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Return the share of foreign neighbours, and what chance gives; both samples count alike."""
    from sklearn.neighbors import NearestNeighbors

    count = min(NEIGHBOURS, len(vectors) - 1)
    found = NearestNeighbors(n_neighbors=count + 1).fit(vectors).kneighbors(vectors, return_distance=False)
    # A text is not its own neighbour; of equal texts another one may stand first.
    others = [[near for near in row if near != place][:count] for place, row in enumerate(found.tolist())]
    foreign = labels[np.array(others)] != labels[:, None]
    shares = [foreign[labels == label].mean() for label in (0, 1)]
    chances = [(labels != label).sum() / (len(labels) - 1) for label in (0, 1)]
    return float(np.mean(shares)), float(np.mean(chances))


def _classifier() -> "LogisticRegression":
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=10, max_iter=1000)


def _held_out(vectors: Vectors, labels: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.float64]:
    """Return the probability of label 1 for each vector, by a classifier that did not see it."""
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    found = cross_val_predict(_classifier(), vectors, labels, cv=folds, method="predict_proba")
    probabilities: npt.NDArray[np.float64] = found[:, 1]
    return probabilities


def _auc(scores: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(labels, scores))


def _standard_error(auc: float, first: int, second: int) -> float:
    one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (first - 1) * (one - auc**2) + (second - 1) * (two - auc**2)
    return math.sqrt(max(variance, 0) / (first * second))
