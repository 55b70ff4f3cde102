"""Scores of runs whose true mean is known."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

type Floats = npt.NDArray[np.float64]


class Kind(NamedTuple):
    """A distribution of scores from 0 to 1."""

    draw: Callable[[np.random.Generator, int], Floats]
    mean: float


def right_or_wrong(share: float) -> Kind:
    """Return scores of 1 with that probability, else 0."""
    return Kind(lambda random, count: (random.random(count) < share).astype(float), share)


def beta(a: float, b: float) -> Kind:
    """Return scores of a Beta distribution."""
    return Kind(lambda random, count: random.beta(a, b, count), a / (a + b))


def _overlap(random: np.random.Generator, count: int) -> Floats:
    """Return scores such as char_f1: half are 1, a fifth are 0, the others between."""
    kind = random.random(count)
    return np.where(kind < 0.5, 1.0, np.where(kind < 0.7, 0.0, random.beta(2, 2, count)))


def _mostly_zero(random: np.random.Generator, count: int) -> Floats:
    return np.where(random.random(count) < 0.9, 0.0, random.beta(2, 2, count))


def _judged(random: np.random.Generator, count: int) -> Floats:
    """Return marks from 1 to 10, as (mark - 1) / 9."""
    return (random.choice([1, 3, 5, 7, 8, 9, 10], count, p=[0.05, 0.1, 0.1, 0.15, 0.2, 0.3, 0.1]) - 1) / 9


CONTINUOUS = {
    "uniform": beta(1, 1),
    "narrow": beta(20, 30),
    "skewed": beta(2, 30),
    "near zero": beta(0.3, 3),
    "overlap": Kind(_overlap, 0.5 + 0.3 * 0.5),
    "mostly zero": Kind(_mostly_zero, 0.05),
    "judged": Kind(_judged, (0.05 + 0.3 + 0.5 + 1.05 + 1.6 + 2.7 + 1.0 - 1) / 9),
}
"""Scores that are not only right or wrong."""


def cluster_sizes(items: int, clusters: int, *, unequal: bool) -> npt.NDArray[np.intp]:
    """Return sizes of clusters with that sum: equal, or such that the largest have several times the mean."""
    if not unequal:
        return np.full(clusters, items // clusters)
    shares = np.random.default_rng(7).lognormal(0, 0.7, clusters)
    sizes = np.maximum(1, np.floor(shares / shares.sum() * items)).astype(np.intp)
    while sizes.sum() != items:
        sizes[sizes.argmax() if sizes.sum() > items else sizes.argmin()] += np.sign(items - sizes.sum())
    return sizes


def clustered(
    random: np.random.Generator, share: float, correlation: float, sizes: npt.NDArray[np.intp], *, binary: bool = True
) -> tuple[Floats, list[str]]:
    """Return scores with that mean and intra-cluster correlation, and the cluster of each.

    Right or wrong if binary; else a probability of the cluster and noise, between.
    """
    if correlation:
        of_cluster = random.beta(
            share * (1 - correlation) / correlation, (1 - share) * (1 - correlation) / correlation, len(sizes)
        )
    else:
        of_cluster = np.full(len(sizes), share)
    chance, names = np.repeat(of_cluster, sizes), [str(name) for name in np.repeat(np.arange(len(sizes)), sizes)]
    if binary:
        return (random.random(len(chance)) < chance).astype(float), names
    return 0.4 + 0.1 * chance + 0.1 * random.random(len(chance)) ** 2, names
