"""Whether two runs over the same items differ by more than chance: signs of their differences, exchanged at random.

Without a difference between the runs, the two scores of an item might as well be exchanged; items that share a text are
exchanged together. The p-value is the share of exchanges with a difference of the means that is at least as large
(Fisher 1935), where equally large ones count half (mid-p, Lancaster 1961).

If the differences lie on a grid, as those of right and wrong answers do, few sums are possible, and the mid-p test errs
in 2 to 4% instead of 5% if few answers differ. With at least 50 units their sum is then taken as normal, with the
variance that the exchanges give it; for right and wrong answers without clusters this is McNemar's test (1947), which
Fagerland, Lydersen and Laake (2013) recommend for this reason. Its error is 4.1 to 5.3% if at least four of 100 answers
or of 1,000 differ on average, and below if fewer do.
"""

import math
import zlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.statistics.intervals import Floats, as_units, mean_interval

_ALL_UP_TO = 13
"""Units up to which all exchanges are tried."""
_NORMAL_FROM = 50
_UNITS_AT_ONCE = 4_000_000


class PairedResult(NamedTuple):
    """A run against another."""

    difference: float
    """Mean of the scores of the first run, less that of the second."""
    low: float
    """Lower bound of its 95% interval. It may exclude 0 with a p-value slightly above .05, and the reverse."""
    high: float
    p_value: float
    """Two-sided."""
    items: int
    better: int
    """Items with a higher score in the first run."""
    worse: int


def paired_test(
    run: Mapping[str, float],
    other: Mapping[str, float],
    *,
    clusters: Mapping[str, str] | None = None,
    bounds: tuple[float, float] = (0.0, 1.0),
    exchanges: int = 9_999,
) -> PairedResult:
    """Compare the scores of two runs, by item.

    Args:
        run: score of each item.
        other: those of the other run.
        clusters: text that an item shares with others; an item that is not named or has an empty name is alone.
        bounds: lowest and highest possible score; infinite if there is none.
        exchanges: how many are tried if the p-value needs them.

    Raises:
        InputError: the runs do not have the same items, have none, or have a score outside the bounds.
    """
    if run.keys() != other.keys():
        raise InputError(_unequal(set(run), set(other)))
    names = sorted(run)
    lowest, highest = bounds
    for scores in (run, other):
        for name in names:
            if not (lowest <= scores[name] <= highest and math.isfinite(scores[name])):
                raise InputError(f"the score of {name} is {scores[name]:g}, and must be from {lowest:g} to {highest:g}")
    differences = np.array([run[name] - other[name] for name in names], np.float64)
    texts = None if clusters is None else [clusters.get(name, "") for name in names]
    mean, low, high = mean_interval(differences, texts, bounds=(lowest - highest, highest - lowest))
    return PairedResult(
        mean,
        low,
        high,
        _p_value(as_units(differences, texts).sums, exchanges),
        len(names),
        int((differences > 0).sum()),
        int((differences < 0).sum()),
    )


def _unequal(run: set[str], other: set[str]) -> str:
    """Return the message for runs with unequal items."""
    parts = []
    for mine, theirs, place in ((run, other, "first"), (other, run, "second")):
        if lone := mine - theirs:
            parts.append(f"{len(lone)} only in the {place}, such as {min(lone)!r}")
    return (
        f"the runs do not have the same items ({len(run)} and {len(other)}): {' and '.join(parts)}; "
        "a paired test needs runs over the same items"
    )


def _p_value(sums: Floats, exchanges: int) -> float:
    """Return the p-value of the differences of each unit, [U]."""
    count, sums = len(sums), sums[np.abs(sums) > 1e-12]
    if not len(sums):
        return 1.0
    return _normal(sums) if count >= _NORMAL_FROM and _on_a_grid(sums) else _exchanged(sums, exchanges)


def _on_a_grid(sums: Floats) -> bool:
    """Whether all are whole multiples of the smallest."""
    steps = np.abs(sums) / np.abs(sums).min()
    return bool((np.abs(steps - np.round(steps)) < 1e-6).all())


def _normal(sums: Floats) -> float:
    return math.erfc(abs(sums.sum()) / math.sqrt(2 * (sums**2).sum()))


def _exchanged(sums: Floats, exchanges: int) -> float:
    """Return the share of exchanges of signs whose sum is at least as far from 0, where equal ones count half."""
    count = len(sums)
    if count <= _ALL_UP_TO:
        signs = 1 - 2.0 * ((np.arange(2**count)[:, None] >> np.arange(count)) & 1)
        totals = np.abs(signs @ sums)
    else:
        random = np.random.default_rng(zlib.crc32(sums.tobytes()))
        parts, at_once = [np.abs([sums.sum()])], max(1, _UNITS_AT_ONCE // count)
        for begin in range(0, exchanges, at_once):
            tries = min(at_once, exchanges - begin)
            packed = np.frombuffer(random.bytes(tries * -(-count // 8)), np.uint8).reshape(tries, -1)
            exchanged = np.unpackbits(packed, axis=1, count=count).astype(
                float
            )  # one bit a unit: several times as fast
            parts.append(np.abs(sums.sum() - 2 * (exchanged @ sums)))
        totals = np.concatenate(parts)
    found, margin = abs(sums.sum()), 1e-9 * np.abs(sums).sum()
    beyond, equal = (totals > found + margin).sum(), (np.abs(totals - found) <= margin).sum()
    return float((beyond + equal / 2) / len(totals))
