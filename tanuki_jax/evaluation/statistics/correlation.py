"""Correlation of two metrics over models, with an interval.

The interval is Fisher's (1921): atanh(r) is nearly normal with variance 1 / (n - 3); for ranks (1 + r^2 / 2) / (n - 3)
(Bonett and Wright 2000). With 10 to 20 models it covers what it says for metrics that are roughly normal, which a
bootstrap (BCa) does not: `benchmarks/evaluation_statistics.json` has both. A metric with one model far from all others
breaks either, so look at the picture as well.
"""

import difflib
import math
from collections.abc import Collection, Mapping
from typing import Literal, NamedTuple

import numpy as np

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.statistics.intervals import Floats

type Method = Literal["pearson", "spearman"]

FEWEST = 3
"""Fewest models: two always lie on a line."""


class Correlation(NamedTuple):
    """Correlation of two metrics."""

    value: float
    low: float
    """Lower bound of the 95% interval; -1 if there are only three models."""
    high: float
    models: tuple[str, ...]
    """Models that have both metrics, in the order of the first."""
    missing: tuple[str, ...]
    """Models that lack one of the metrics."""


def correlate(
    one: Mapping[str, float | None],
    other: Mapping[str, float | None],
    *,
    without: Collection[str] = (),
    method: Method = "pearson",
) -> Correlation:
    """Return the correlation over the models that have both metrics.

    Args:
        one: a metric by model; None and NaN are missing.
        other: the other metric.
        without: models to leave out.
        method: of the values, or of their ranks.

    Raises:
        InputError: fewer than three models have both metrics, a metric is the same for all, or a model that is to be
            left out is in neither.
    """
    names = list(dict.fromkeys([*one, *other]))
    for name in without:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.0)
            hint = f"; the nearest is {near[0]!r}" if near else ""
            raise InputError(f"there is no model {name!r} to leave out{hint}")
    kept = [name for name in names if name not in without]
    models = [name for name in kept if _is_there(one.get(name)) and _is_there(other.get(name))]
    missing = tuple(name for name in kept if name not in models)
    if len(models) < FEWEST:
        raise InputError(f"{len(models)} models have both metrics; a correlation needs at least {FEWEST}")
    x, y = (np.array([metric[name] for name in models], np.float64) for metric in (one, other))
    for values in (x, y):
        if values.min() == values.max():
            raise InputError(f"a metric is {values[0]:g} for all {len(models)} models; it has no correlation")
    value = correlation_of(x, y, method)
    return Correlation(value, *fisher_interval(value, len(models), method), tuple(models), missing)


def _is_there(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def correlation_of(x: Floats, y: Floats, method: Method) -> float:
    """Return the correlation of two vectors."""
    if method == "spearman":
        from scipy.stats import rankdata

        x, y = rankdata(x), rankdata(y)
    return float(np.clip(np.corrcoef(x, y)[0, 1], -1, 1))


def fisher_interval(value: float, count: int, method: Method) -> tuple[float, float]:
    """Return the 95% interval of a correlation over `count` pairs."""
    if count <= 3:
        return -1.0, 1.0
    center = math.atanh(max(-1 + 1e-15, min(1 - 1e-15, value)))
    variance = (1 + value**2 / 2 if method == "spearman" else 1) / (count - 3)
    return math.tanh(center - 1.96 * math.sqrt(variance)), math.tanh(center + 1.96 * math.sqrt(variance))
