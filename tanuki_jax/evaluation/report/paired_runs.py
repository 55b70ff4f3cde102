"""Pairs of runs over the same items: the difference of their scores, with its interval and a p-value."""

import itertools
from collections.abc import Sequence

from tanuki_jax.base.pages import Row
from tanuki_jax.evaluation.report.read_results import RunResults
from tanuki_jax.evaluation.report.report_block import SIGNS, Block, figures, interval
from tanuki_jax.evaluation.report.score_blocks import benchmarks_of, better_side, metrics_of, score_range
from tanuki_jax.evaluation.statistics.paired_test import PairedResult, paired_test


def paired(run: RunResults, other: RunResults, benchmark: str, metric: str) -> PairedResult | None:
    """Return the paired test of a metric over the items that both runs have and could read; None: there are none.

    An item is the same if it has the same id and the same expected answer.
    """
    one, two = run.benchmark(benchmark), other.benchmark(benchmark)
    if one is None or two is None:
        return None
    others = {item.id: item for item in two.items}
    shared = [
        item
        for item in one.items
        if (same := others.get(item.id)) is not None and same.expected == item.expected
        if metric in item.scores and metric in same.scores
    ]
    if not shared:
        return None
    mine = {item.id: item.scores[metric] for item in shared}
    theirs = {name: others[name].scores[metric] for name in mine}
    clusters = {item.id: item.cluster for item in shared}
    bounds = score_range(one.scale, [*mine.values(), *theirs.values()])
    return paired_test(mine, theirs, clusters=clusters, bounds=bounds)


def paired_block(runs: Sequence[RunResults]) -> Block | None:
    """Return a block of all pairs of runs, benchmarks and metrics; None: no two runs share an item."""
    rows = []
    for benchmark in benchmarks_of(runs):
        title = benchmark.title
        for metric in metrics_of(runs, benchmark.name):
            lower = better_side(runs, benchmark.name, metric) == "lower"
            name = f"{metric} {SIGNS['lower']}" if lower else metric
            for run, other in itertools.combinations(runs, 2):
                if (found := paired(run, other, benchmark.name, metric)) is not None:
                    rows.append(Row((title, name, f"{run.label} − {other.label}", *_cells(found, lower))))
                    title = name = ""
    if not rows:
        return None
    return Block(
        "Differences between runs over the same items",
        ("benchmark", "metric", "runs", "items", "better", "worse", "difference", "p"),
        rows,
        left=3,
        note="Over the items that both runs have and could read, each item against itself, with its 95% interval and "
        f"a two-sided p by exchanging the runs' scores at random. There are {len(rows)} tests: about one in twenty has "
        "p < 0.05 by chance, and none is corrected for that. Better and worse count items; ↓: lower scores are better.",
    )


def _cells(found: PairedResult, lower: bool) -> tuple[str, ...]:
    """Return the numbers of a row; `lower`: whether an item with a lower score is the better one."""
    better, worse = (found.worse, found.better) if lower else (found.better, found.worse)
    form = "+" + figures([found.difference, found.low, found.high])
    p_value = "< 0.001" if found.p_value < 0.001 else f"{found.p_value:.3f}"
    difference = interval(found.difference, found.low, found.high, form)
    return f"{found.items:,}", f"{better:,}", f"{worse:,}", difference, p_value
