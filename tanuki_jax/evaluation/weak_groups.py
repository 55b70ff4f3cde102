"""Groups of items that a model answers worst, as the plan that the recipe `weakness` takes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.report.read_results import BenchmarkResult, RunItem, RunResults
from tanuki_jax.evaluation.statistics.intervals import mean_interval

TAGS = {"family": "family", "category": "category", "command": "format"}
"""Tag of items -> kind of a row of the plan."""
BEST = 1.0
_DIFFERENCE = (-1.0, 1.0)


@dataclass(frozen=True, slots=True)
class WeakGroup:
    """A group of items that a model answers worse than a reference."""

    kind: str
    """Kind of the group: family, category or format."""
    name: str
    score: float
    """Mean of its items, from 0 (the worst score that there is) to 1."""
    reference: float
    """Mean of the reference on the same items; 1 without a reference."""
    low: float
    """Lower end of the 95% interval of the difference to the reference."""
    high: float
    """Upper end of that interval, below 0."""
    items: int
    missing: int = 0
    """Number of records to write."""

    @property
    def gap(self) -> float:
        """Return how far the group is below the reference."""
        return self.reference - self.score


def weak_groups(results: RunResults, reference: RunResults | None, records: int) -> tuple[list[WeakGroup], list[str]]:
    """Return the groups that are weak, the weakest first, and those that are not, as sentences.

    A group is weak if the 95% interval of the difference to the reference lies below 0. The records are shared out in
    proportion to the differences.

    Args:
        results: results of the model.
        reference: results of another model; None: the highest score that there is.
        records: number of records of the whole plan.

    Raises:
        InputError: no benchmark of the results has families, categories or formats, or the reference lacks their items.
    """
    found, others = list[WeakGroup](), list[str]()
    for (kind, name), items in _groups(results).items():
        beside = _beside(kind, name, items, reference)
        values = [_share(benchmark, item) for benchmark, item in items]
        differences = [value - other for value, other in zip(values, beside, strict=True)]
        interval = mean_interval(differences, [item.cluster for _, item in items], bounds=_DIFFERENCE)
        score, other = sum(values) / len(values), sum(beside) / len(beside)
        if interval.high < 0:
            found.append(WeakGroup(kind, name, score, other, interval.low, interval.high, len(items)))
        else:
            others.append(f"{kind} {name}: {score:.3f} of {other:.3f}")
    if not found and not others:
        raise InputError(
            "the results have no items with a family, a category or a command: evaluate --config=small has"
        )
    found.sort(key=lambda each: (-each.gap, each.kind, each.name))
    whole = sum(each.gap for each in found)
    shared = (
        WeakGroup(e.kind, e.name, e.score, e.reference, e.low, e.high, e.items, round(records * e.gap / whole))
        for e in found
    )
    return list(shared), others


type _Items = list[tuple[BenchmarkResult, RunItem]]


def _groups(results: RunResults) -> dict[tuple[str, str], _Items]:
    groups: dict[tuple[str, str], _Items] = {}
    for benchmark, item in _scored(results):
        for tag, kind in TAGS.items():
            if name := item.tags.get(tag):
                groups.setdefault((kind, name), []).append((benchmark, item))
    return groups


def _scored(results: RunResults) -> Iterator[tuple[BenchmarkResult, RunItem]]:
    """Yield the items that have a value of the first metric of their benchmark, with the benchmark."""
    for benchmark in results.benchmarks:
        for item in benchmark.items:
            if next(iter(benchmark.metrics)) in item.scores:
                yield benchmark, item


def _share(benchmark: BenchmarkResult, item: RunItem) -> float:
    """Return the first metric of an item, from 0 for the worst value that there is to 1 for the best."""
    worst, best = benchmark.scale
    return (item.scores[next(iter(benchmark.metrics))] - worst) / (best - worst)


def _beside(kind: str, name: str, items: _Items, reference: RunResults | None) -> Sequence[float]:
    """Return the scores of the reference on the same items. InputError if it lacks one."""
    if reference is None:
        return [BEST] * len(items)
    known = {(benchmark.name, item.id): _share(benchmark, item) for benchmark, item in _scored(reference)}
    wanted = [(benchmark.name, item.id) for benchmark, item in items]
    if missing := next((each for each in wanted if each not in known), None):
        raise InputError(
            f"the reference has no score for item {missing[1]} of {missing[0]}, which is of the {kind} {name}: "
            "evaluate both models with the same config"
        )
    return [known[each] for each in wanted]
