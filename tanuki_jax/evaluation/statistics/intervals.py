"""95% intervals of a mean score over items, also where items share a text and so are not independent.

Four cases, because no method holds its 95% in all (`benchmarks/evaluation_statistics.json` has what each covers):

- Scores near the ends of their range, such as right or wrong: quantiles of Jeffreys' Beta distribution, for the number
  of independent right-or-wrong items that would have the same standard error (Brown, Cai and DasGupta 2001; for
  clusters as in Franco, Little, Louis and Slud 2019). A percentile bootstrap of 100 items covers down to 88% here.
- Scores in a small part of their range: on each side the wider of Student's bound and that of the studentised bootstrap
  (Efron and Tibshirani 1993, 12.5), which follows a skewed distribution but is too narrow for few clusters. Below ten
  items or clusters Student's alone.
- Such scores of which more than half are equal, as the differences of two similar runs: the normal interval after two
  items are added, of which half of one lies above the equal scores and half of one below (Agresti and Min 2005). A
  repetition of the bootstrap may lack the few items that differ.
- Scores that do not differ: the bound that the first case has for none right, for the share of items elsewhere.

Clusters are drawn anew as wholes. Their standard error is the linearised one of a ratio, each residual divided by
1 - h for a cluster with a share h of the items (Bell and McCaffrey 2002); degrees of freedom are those of Kish's
effective number of clusters, or fewer if few clusters make the variance (Satterthwaite 1946, with their kurtosis).
"""

import math
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.errors import InputError

type Floats = npt.NDArray[np.float64]

_TAIL = 0.025
_REPETITIONS, _FEWEST_DRAWN = 1_000, 10
_NUMBERS_AT_ONCE = 2_000_000
_WIDE = 0.2
"""Share of the largest variance that scores with their mean can have, from which the first case is used."""


class Interval(NamedTuple):
    """A mean with its 95% interval."""

    mean: float
    low: float
    high: float


class Units(NamedTuple):
    """Independent units: clusters, or items if each is alone."""

    sums: Floats
    """[U], sum of the scores of each unit."""
    sizes: Floats
    """[U], number of its items."""


def mean_interval(
    scores: Sequence[float] | npt.NDArray[np.floating],
    clusters: Sequence[str] | None = None,
    *,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> Interval:
    """Return the mean of the scores with its interval: the same for the same scores, in whatever order.

    Args:
        scores: one for each item.
        clusters: name of the text that an item shares with others, one for each item; an empty name: with none.
        bounds: lowest and highest possible score; infinite if there is none.

    Raises:
        InputError: there are no scores, one is not finite or outside the bounds, or the numbers of scores and clusters
            differ.
    """
    values = np.asarray(scores, np.float64)
    _check(values, clusters, bounds)
    units = as_units(values, clusters)
    mean, (lowest, highest) = float(values.mean()), bounds
    if len(units.sums) == 1 and len(values) > 1:
        return Interval(mean, lowest, highest)  # one text says nothing about others
    error, freedom = standard_error(units)
    largest = (mean - lowest) * (highest - mean)
    if error <= 1e-12 * np.abs(values).max() or largest <= 0:
        low, high = _of_equal_scores(mean, bounds, _effective(units.sizes))
    elif values.var() >= _WIDE * largest:
        low, high = _of_wide_scores(mean, bounds, error, freedom)
    elif (common := _most_common(units)) is not None:
        low, high = _of_mostly_equal_scores(units, common, error, freedom)
    else:
        low, high = _of_narrow_scores(units, mean, error, freedom)
    return Interval(mean, max(lowest, min(low, mean)), min(highest, max(high, mean)))


def _check(values: Floats, clusters: Sequence[str] | None, bounds: tuple[float, float]) -> None:
    lowest, highest = bounds
    if values.ndim != 1 or not len(values):
        raise InputError("there are no scores to average; an interval needs at least one item")
    if clusters is not None and len(clusters) != len(values):
        raise InputError(f"there are {len(values)} scores and {len(clusters)} names of clusters; each item needs one")
    outside = np.flatnonzero(~((values >= lowest) & (values <= highest) & np.isfinite(values)))
    if len(outside):
        raise InputError(
            f"score {outside[0] + 1} of {len(values)} is {values[outside[0]]:g}, "
            f"and must be a number from {lowest:g} to {highest:g}"
        )


def as_units(values: Floats, clusters: Sequence[str] | None) -> Units:
    """Return the sum of the values of each cluster, in the order of the first item of each."""
    if clusters is None:
        return Units(values, np.ones(len(values)))
    numbers: dict[object, int] = {}
    places = [numbers.setdefault(name or index, len(numbers)) for index, name in enumerate(clusters)]
    return Units(np.bincount(places, values), np.bincount(places).astype(float))


def standard_error(units: Units) -> tuple[float, float]:
    """Return the standard error of the mean over all items, and its degrees of freedom; infinite for single items."""
    count = len(units.sums)
    if (units.sizes == 1).all():
        return float(units.sums.std() / math.sqrt(count)), math.inf
    residuals = units.sums - units.sizes * (units.sums.sum() / units.sizes.sum())
    error = _clustered_errors(units.sums[None], units.sizes[None])[0]
    spread = (residuals**2).mean()
    kurtosis = (residuals**4).mean() / spread**2 if spread > 0 else 1.0
    of_variance = 2 * count / (kurtosis - 1) if kurtosis > 1 else math.inf
    return float(error), min(_effective(units.sizes) - 1, of_variance)


def _effective(sizes: Floats) -> float:
    """Return the number of equally large clusters that would say as much (Kish 1965)."""
    return float(sizes.sum() ** 2 / (sizes**2).sum())


def _clustered_errors(sums: Floats, sizes: Floats) -> Floats:
    """Return standard errors, [R], of the ratio of sums and sizes, [R, U]."""
    items = sizes.sum(axis=1, keepdims=True)
    residuals = sums - sizes * (sums.sum(axis=1, keepdims=True) / items)
    # A repetition that drew one large cluster only has no residuals; the divisor is then of no influence.
    return np.sqrt((residuals**2 / np.maximum(1 - sizes / items, 1e-9)).sum(axis=1)) / items[:, 0]


def _quantile(freedom: float) -> float:
    """Return the .975 quantile of Student's t, or of the normal distribution for infinite degrees of freedom."""
    from scipy.special import ndtri, stdtrit

    return float(stdtrit(freedom, 1 - _TAIL) if math.isfinite(freedom) else ndtri(1 - _TAIL))


def _of_wide_scores(mean: float, bounds: tuple[float, float], error: float, freedom: float) -> tuple[float, float]:
    from scipy.special import betaincinv

    lowest, highest = bounds
    error *= _quantile(freedom) / _quantile(math.inf)
    share = (mean - lowest) / (highest - lowest)
    items = share * (1 - share) * ((highest - lowest) / error) ** 2
    a, b = items * share + 0.5, items * (1 - share) + 0.5
    low, high = betaincinv(a, b, _TAIL), betaincinv(a, b, 1 - _TAIL)
    return lowest + float(low) * (highest - lowest), lowest + float(high) * (highest - lowest)


def _of_equal_scores(mean: float, bounds: tuple[float, float], units: float) -> tuple[float, float]:
    from scipy.special import betaincinv

    elsewhere = float(betaincinv(0.5, units + 0.5, 1 - _TAIL))
    lowest, highest = bounds
    return mean - elsewhere * (mean - lowest), mean + elsewhere * (highest - mean)


def _most_common(units: Units) -> float | None:
    """Return the mean score that more than half of the units have, or None."""
    values, counts = np.unique(np.round(units.sums / units.sizes, 9), return_counts=True)
    return float(values[counts.argmax()]) if 2 * counts.max() > len(units.sums) else None


def _of_mostly_equal_scores(units: Units, common: float, error: float, freedom: float) -> tuple[float, float]:
    distances = units.sums - common * units.sizes
    far, items = distances[np.abs(distances) > 1e-9 * np.abs(distances).max()], units.sizes.sum()
    added = items + 2 * items / len(units.sums)
    error = math.sqrt((error * items) ** 2 + (far**2).mean()) / added
    center = common + distances.sum() / added
    return center - _quantile(freedom) * error, center + _quantile(freedom) * error


def _of_narrow_scores(units: Units, mean: float, error: float, freedom: float) -> tuple[float, float]:
    count = len(units.sums)
    if not math.isfinite(freedom):
        error, freedom = error * math.sqrt(count / (count - 1)), count - 1
    student = _quantile(freedom)
    if count < _FEWEST_DRAWN:
        return mean - error * student, mean + error * student
    low, high = np.quantile(_studentised(units, mean), (_TAIL, 1 - _TAIL))
    return mean - error * max(student, float(high)), mean + error * max(student, -float(low))


def _studentised(units: Units, mean: float) -> Floats:
    """Return (mean of a repetition - mean) / its standard error of repetitions that draw the units anew, [R]."""
    count, order = len(units.sums), np.lexsort((units.sizes, units.sums))
    units = Units(units.sums[order], units.sizes[order])
    random = np.random.default_rng(zlib.crc32(np.round(units.sums, 9).tobytes() + units.sizes.tobytes()))
    single, at_once = bool((units.sizes == 1).all()), max(1, _NUMBERS_AT_ONCE // count)
    parts = []
    for begin in range(0, _REPETITIONS, at_once):
        chosen = random.integers(0, count, (min(at_once, _REPETITIONS - begin), count))
        sums = units.sums[chosen]
        if single:
            means, errors = sums.mean(axis=1), sums.std(axis=1, ddof=1) / math.sqrt(count)
        else:
            sizes = units.sizes[chosen]
            means, errors = sums.sum(axis=1) / sizes.sum(axis=1), _clustered_errors(sums, sizes)
        parts.append((means - mean) / np.maximum(errors, 1e-12))  # a repetition of equal scores is far away
    return np.concatenate(parts)
