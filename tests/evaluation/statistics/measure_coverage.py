"""Measurements of intervals and tests, as JSON: python -m tests.evaluation.statistics.measure_coverage FILE

How often 95% intervals hold the true mean or correlation, and how often the paired test errs, over simulated runs. The
percentile bootstrap, Student's interval and the exact sign test stand beside them. About half an hour on two cores.
"""

import datetime
import functools
import importlib.metadata
import itertools
import json
import math
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from tanuki_jax.evaluation.statistics.correlation import Method, correlation_of, fisher_interval
from tanuki_jax.evaluation.statistics.intervals import mean_interval
from tanuki_jax.evaluation.statistics.paired_test import PairedResult, paired_test
from tests.evaluation.statistics.simulated_scores import (
    CONTINUOUS,
    Floats,
    cluster_sizes,
    clustered,
    right_or_wrong,
)

SHARES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.95)
CLUSTERS = {100: (20, 50), 1_000: (50, 200)}
RUNS = {100: 2_000, 1_000: 1_000}
"""Simulated runs of as many items."""


class Coverage(NamedTuple):
    """Share of the intervals that hold the true value."""

    runs: int
    share: float
    below: float
    """Share that lies below it."""
    above: float


def seeded(*words: object) -> np.random.Generator:
    """Return a generator for a case, the same in every process."""
    return np.random.default_rng(zlib.crc32(repr(words).encode()))


def coverage(intervals: Sequence[tuple[float, float]], truth: float) -> Coverage:
    """Return how often intervals hold the truth."""
    low, high = np.array(intervals).T
    return Coverage(
        len(low),
        float(((low <= truth) & (truth <= high)).mean()),
        float((high < truth).mean()),
        float((low > truth).mean()),
    )


def of_binary(items: int, share: float, runs: int) -> Coverage:
    """Measure right-or-wrong scores. There are few different runs, of which each is computed once."""
    found = functools.cache(lambda right: mean_interval([1.0] * right + [0.0] * (items - right))[1:])
    drawn = seeded("binary", items, share).binomial(items, share, runs)
    return coverage([found(int(right)) for right in drawn], share)


def of_continuous(items: int, name: str, runs: int) -> Coverage:
    """Measure one of the distributions of `simulated_scores`."""
    random, kind = seeded("continuous", items, name), CONTINUOUS[name]
    return coverage([mean_interval(kind.draw(random, items))[1:] for _ in range(runs)], kind.mean)


def of_clusters(
    items: int, clusters: int, share: float, correlation: float, runs: int, *, unequal: bool = True, binary: bool = True
) -> Coverage:
    """Measure scores of items that share a text."""
    random = seeded("clusters", items, clusters, share, correlation, unequal, binary)
    sizes = cluster_sizes(items, clusters, unequal=unequal)
    found = []
    for _ in range(runs):
        scores, names = clustered(random, share, correlation, sizes, binary=binary)
        found.append(mean_interval(scores, names)[1:])
    return coverage(found, share if binary else 0.4 + 0.1 * share + 0.1 / 3)


def exact_coverage(items: int, method: Literal["ours", "percentile bootstrap"]) -> dict[str, float]:
    """Return the coverage of right-or-wrong scores by the binomial distribution, for all true shares from .05 to .95.

    The percentile bootstrap is that of infinitely many repetitions.
    """
    from scipy.stats import binom

    right = np.arange(items + 1)
    if method == "ours":
        low, high = np.array([mean_interval([1.0] * k + [0.0] * (items - k))[1:] for k in right]).T
    else:
        low, high = (np.nan_to_num(binom.ppf(tail, items, right / items)) / items for tail in (0.025, 0.975))
    found = []
    for share in np.arange(0.05, 0.95001, 0.0005):
        found.append(binom.pmf(right, items, share)[(low <= share) & (share <= high)].sum())
    return {"lowest": round(min(found), 4), "highest": round(max(found), 4), "mean": round(float(np.mean(found)), 4)}


class Pair(NamedTuple):
    """Kind of two runs that do not differ: `paired` draws the scores of both, and the clusters."""

    name: str
    draw: Callable[[np.random.Generator, int], tuple[Floats, Floats, list[str] | None]]


def _independent(share: float) -> Pair:
    kind = right_or_wrong(share)
    return Pair(f"right or wrong {share}, independent", lambda r, n: (kind.draw(r, n), kind.draw(r, n), None))


def _alike(share: float, changed: float) -> Pair:
    """Return two runs in which a share of the answers is drawn anew, as of two checkpoints of one model."""

    def draw(random: np.random.Generator, count: int) -> tuple[Floats, Floats, None]:
        one, other = (right_or_wrong(share).draw(random, count) for _ in range(2))
        return one, np.where(random.random(count) < changed, other, one), None

    return Pair(f"right or wrong {share}, {changed} of the answers drawn anew", draw)


def _graded(name: str) -> Pair:
    return Pair(name, lambda r, n: (CONTINUOUS[name].draw(r, n), CONTINUOUS[name].draw(r, n), None))


def _by_text(share: float, correlation: float, per_cluster: int, *, binary: bool) -> Pair:
    def draw(random: np.random.Generator, count: int) -> tuple[Floats, Floats, list[str]]:
        sizes = cluster_sizes(count, count // per_cluster, unequal=True)
        (one, names), (other, _) = (clustered(random, share, correlation, sizes, binary=binary) for _ in range(2))
        return one, other, names

    word = "right or wrong" if binary else "continuous"
    return Pair(f"{word} {share}, texts of {per_cluster} on average, correlation {correlation}", draw)


PAIRS = [
    *(_independent(share) for share in (0.05, 0.1, 0.3, 0.5, 0.9)),
    *(_alike(0.5, changed) for changed in (0.1, 0.2, 0.5)),
    *(_graded(name) for name in CONTINUOUS),
    *(_by_text(*case, binary=True) for case in ((0.3, 0.3, 5), (0.5, 0.1, 2), (0.7, 0.6, 5))),
    _by_text(0.5, 0.3, 5, binary=False),
]


def of_pair(pair: Pair, items: int, runs: int, shift: float = 0.0) -> tuple[float, Coverage]:
    """Return the share of the tests that err, and the coverage of the interval of the difference.

    The share does not depend on the number of exchanges, of which few are tried to save time.
    """
    random = seeded("pair", pair.name, items)
    names = [f"{number:04d}" for number in range(items)]
    results = list[PairedResult]()
    for _ in range(runs):
        one, other, texts = pair.draw(random, items)
        clusters = None if texts is None else dict(zip(names, texts, strict=True))
        runs_by_item = (dict(zip(names, scores.tolist(), strict=True)) for scores in (one, other))
        results.append(paired_test(*runs_by_item, clusters=clusters, exchanges=999))
    errors = float(np.mean([result.p_value <= 0.05 for result in results]))
    return errors, coverage([(result.low, result.high) for result in results], shift)


def exact_error(items: int, differ: float) -> dict[str, float]:
    """Return the exact errors of McNemar's, the mid-p and the exact sign test, if that share of the answers differs."""
    from scipy.special import ndtri
    from scipy.stats import binom

    found = {"normal": 0.0, "mid-p": 0.0, "exact": 0.0}
    for count in range(1, items + 1):
        chance = float(binom.pmf(count, items, differ))
        if chance < 1e-12:
            continue
        each = binom.pmf(np.arange(count + 1), count, 0.5)
        distance = np.abs(2 * np.arange(count + 1) - count)
        beyond = np.array([each[distance >= one].sum() for one in distance])
        equal = np.array([each[distance == one].sum() for one in distance])
        found["normal"] += chance * float(each[distance > ndtri(0.975) * math.sqrt(count)].sum())
        found["mid-p"] += chance * float(each[beyond - equal / 2 <= 0.05].sum())
        found["exact"] += chance * float(each[beyond <= 0.05].sum())
    return {name: round(value, 4) for name, value in found.items()}


def of_correlation(
    models: int, true: float, method: Method, runs: int, *, bca_runs: int = 0, tails: float = math.inf
) -> dict[str, float]:
    """Measure Fisher's interval, and BCa in the first `bca_runs` runs, over normal or heavy-tailed metrics.

    The truth for ranks is 6 / pi * asin(true / 2), that of the normal distribution.
    """
    random = seeded("correlation", models, true, method, tails)
    truth = true if method == "pearson" else 6 / math.pi * math.asin(true / 2)
    fisher, bca = list[tuple[float, float]](), list[tuple[float, float]]()
    for run in range(runs):
        x, noise = random.normal(size=(2, models))
        y = true * x + math.sqrt(1 - true**2) * noise
        if math.isfinite(tails):  # a multivariate t distribution
            x, y = (values * math.sqrt(tails / random.chisquare(tails)) for values in (x, y))
        fisher.append(fisher_interval(correlation_of(x, y, method), models, method))
        if run < bca_runs:
            bca.append(_bca(x, y, method, run))
    found = {"Fisher": round(coverage(fisher, truth).share, 4)}
    return found | ({"BCa bootstrap": round(coverage(bca, truth).share, 4)} if bca else {})


def _bca(x: Floats, y: Floats, method: Method, seed: int) -> tuple[float, float]:
    from scipy.stats import bootstrap

    def statistic(a: Floats, b: Floats) -> float:
        return correlation_of(a, b, method) if a.std() and b.std() else 0.0

    found = bootstrap((x, y), statistic, paired=True, vectorized=False, n_resamples=500, rng=seed, method="BCa")
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def milliseconds() -> dict[str, float]:
    """Return CPU milliseconds of an interval of 1,000 items of each kind, the least of five."""
    random = seeded("time")
    scores, names = clustered(random, 0.5, 0.3, cluster_sizes(1_000, 200, unequal=True))
    cases: dict[str, Callable[[], object]] = {
        "right or wrong": functools.partial(mean_interval, scores),
        "right or wrong, clusters": functools.partial(mean_interval, scores, names),
        "narrow": functools.partial(mean_interval, CONTINUOUS["narrow"].draw(random, 1_000)),
        "narrow, clusters": functools.partial(mean_interval, CONTINUOUS["narrow"].draw(random, 1_000), names),
    }
    found = {}
    for name, work in cases.items():
        times = []
        for _ in range(6):
            began = time.process_time()
            work()
            times.append(time.process_time() - began)
        found[name] = round(1_000 * min(times[1:]), 1)
    return found


def _case(case: tuple[str, str, Callable[[], Any]]) -> tuple[str, str, Any]:
    section, name, work = case
    found = work()
    if isinstance(found, Coverage):
        found = round(found.share, 4)
    elif isinstance(found, tuple):
        found = {"errs": round(found[0], 4), "interval of the difference covers": round(found[1].share, 4)}
    return section, name, found


def cases() -> list[tuple[str, str, Callable[[], Any]]]:
    """Return section, name and work of each measurement."""
    listed: list[tuple[str, str, Callable[[], Any]]] = []

    def add(section: str, name: object, work: Callable[..., Any], *values: Any, **options: Any) -> None:
        listed.append((section, str(name), functools.partial(work, *values, **options)))

    for items in (100, 1_000):
        place = f"{items} items"
        for share in SHARES:
            add(f"right or wrong, {place}", share, of_binary, items, share, 20_000)
        for method in ("ours", "percentile bootstrap"):
            add(
                f"right or wrong, {place}, exact, over all shares from .05 to .95",
                method,
                exact_coverage,
                items,
                method,
            )
        for name in CONTINUOUS:
            add(f"continuous, {place}", name, of_continuous, items, name, RUNS[items])
        for clusters, correlation, unequal in itertools.product(CLUSTERS[items], (0.1, 0.5), (False, True)):
            sizes = "unequal" if unequal else "equal"
            section = f"{clusters} {sizes} clusters, {place}, correlation {correlation}"
            for share in SHARES[:-1]:
                add(section, share, of_clusters, items, clusters, share, correlation, RUNS[items], unequal=unequal)
            options = {"unequal": unequal, "binary": False}
            add(section, "continuous", of_clusters, items, clusters, 0.5, correlation, RUNS[items], **options)
        for number, pair in enumerate(PAIRS):
            add(f"paired test without a difference, {place}", pair.name, _of_pair, number, items)
        for differ in (0.02, 0.04, 0.05, 0.06, 0.08, 0.1, 0.2, 0.3, 0.5):
            add(f"exact errors if a share of {place} differs", differ, exact_error, items, differ)
    for models, true in itertools.product((10, 13, 20), (0.0, 0.5, 0.9)):
        for method in ("pearson", "spearman"):
            section = f"{method.title()}'s correlation of {models} normal metrics"
            add(section, true, of_correlation, models, true, method, 4_000, bca_runs=500 * (method == "pearson"))
    for true in (0.0, 0.5, 0.9):
        section = "Pearson's correlation of 13 metrics with tails of t(3)"
        add(section, true, of_correlation, 13, true, "pearson", 4_000, bca_runs=500, tails=3)
    return listed


def _of_pair(number: int, items: int) -> tuple[float, Coverage]:
    return of_pair(PAIRS[number], items, RUNS[items])


def main(file: Path) -> None:
    """Measure, and write the figures."""
    found: dict[str, Any] = {
        "command": "python -m tests.evaluation.statistics.measure_coverage FILE",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": "2 CPU cores",
        "versions": {name: importlib.metadata.version(name) for name in ("numpy", "scipy")},
        "runs": {str(items): runs for items, runs in RUNS.items()},
        "milliseconds_of_1000_items": milliseconds(),
    }
    with ProcessPoolExecutor(2) as pool:
        for section, name, value in pool.map(_case, cases()):
            found.setdefault(section, {})[name] = value
            file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
