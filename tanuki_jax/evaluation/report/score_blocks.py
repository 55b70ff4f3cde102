"""Blocks on runs: where they come from, what is missing, scores side by side, and scores by level and category."""

import json
import math
from collections.abc import Sequence

from tanuki_jax.base.pages import Row
from tanuki_jax.evaluation.report.read_results import BenchmarkResult, Figure, MetricResult, RunItem, RunResults
from tanuki_jax.evaluation.report.report_block import SIGNS, Block, Picture, figures, interval
from tanuki_jax.evaluation.report.score_charts import level_bars, radar_chart
from tanuki_jax.evaluation.statistics.intervals import mean_interval
from tanuki_jax.evaluation.tables.table_cells import Direction

MT_BENCH = "mt_bench_ja"
"""Beginning of the names of the benchmarks whose categories are drawn as a radar chart."""

_SHOWN = 16
"""Number of characters of a fingerprint that are shown."""
_NOT_ASKED = "not among the benchmarks that were run"
_LEVELS = ("elementary", "middle", "high")


def benchmarks_of(runs: Sequence[RunResults]) -> list[BenchmarkResult]:
    """Return the benchmarks of all runs in order, each as the first run that finished it has it, or as missing."""
    found: dict[str, BenchmarkResult] = {}
    for benchmark in (each for run in runs for each in run.benchmarks):
        if benchmark.name not in found or (found[benchmark.name].missing and not benchmark.missing):
            found[benchmark.name] = benchmark
    return list(found.values())


def metrics_of(runs: Sequence[RunResults], name: str) -> list[str]:
    """Return the metrics of a benchmark in all runs, in order."""
    found = [run.benchmark(name) for run in runs]
    return list(dict.fromkeys(metric for each in found if each is not None for metric in each.metrics))


def better_side(runs: Sequence[RunResults], name: str, metric: str) -> Direction:
    """Return the better side of a metric of a benchmark, as the first run that has it states it."""
    found = (run.benchmark(name) for run in runs)
    return next(each.metrics[metric].better for each in found if each is not None and metric in each.metrics)


def runs_block(runs: Sequence[RunResults]) -> Block:
    """Return a block on the models and times of runs, with their settings folded."""
    rows = [
        Row(
            (
                run.label,
                run.name,
                _short(run.fingerprint.removeprefix(f"{run.model} ")),
                run.started,
                run.finished,
                str(sum(not each.missing for each in run.benchmarks)),
                f"{sum(len(each.items) for each in run.benchmarks):,}",
                f"{sum(each.failed for each in run.benchmarks):,}",
                f"{sum(each.cut for each in run.benchmarks):,}",
            )
        )
        for run in runs
    ]
    head = (
        "run",
        "evaluation",
        "fingerprint",
        "started",
        "finished",
        "benchmarks",
        "items",
        "failed requests",
        "cut answers",
    )
    return Block(
        "Runs",
        head,
        rows,
        left=5,
        folded=[(f"settings, versions and data of {run.label}", _settings(run)) for run in runs],
    )


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _settings(run: RunResults) -> str:
    settings = {
        "folder": str(run.folder),
        "fingerprint": run.fingerprint,
        "endpoints": run.urls,
        "versions": run.versions,
        "data": {each.name: each.data for each in run.benchmarks},
        "config": run.config,
    }
    return json.dumps(settings, ensure_ascii=False, indent=2)


def missing_block(runs: Sequence[RunResults]) -> Block | None:
    """Return a block on benchmarks that a run could not do or does not have, grouped by reason; None: nothing is
    missing."""
    labels: dict[tuple[str, str], list[str]] = {}  # (reason, title of the benchmark) -> runs
    for benchmark in benchmarks_of(runs):
        for run in runs:
            own = next((each for each in run.benchmarks if each.name == benchmark.name), None)
            if own is None or own.missing:
                reason = _NOT_ASKED if own is None else own.missing
                labels.setdefault((reason, benchmark.title), []).append(run.label)
    groups: dict[tuple[str, str], list[str]] = {}  # (reason, runs) -> titles
    for (reason, title), names in labels.items():
        groups.setdefault((reason, ", ".join(names)), []).append(title)
    if not groups:
        return None
    rows = [
        Row((reason, "; ".join(titles), names))
        for (reason, names), titles in sorted(groups.items(), key=lambda group: group[0][0] == _NOT_ASKED)
    ]
    return Block("Missing benchmarks", ("reason", "benchmarks", "of"), rows, left=3)


def scores_block(runs: Sequence[RunResults], pages: Sequence[tuple[str, str]]) -> Block:
    """Return a block with every metric of every benchmark that a run has, runs side by side.

    Args:
        runs: the runs.
        pages: text and address of the pages of questions.
    """
    rows = [row for benchmark in benchmarks_of(runs) for row in _benchmark_rows(runs, benchmark)]
    note = (
        "Mean over the items, with its 95% interval. A request that failed counts as wrong; a verdict that could not "
        "be read is in no mean. Rows with failed requests are marked."
    )
    if any(row.cells[0].endswith(f" {SIGNS['lower']}") for row in rows):
        note += f" {SIGNS['lower']}: lower is better."
    head = ("metric", *(run.label for run in runs))
    return Block("Scores", head, rows, note=note if rows else "No benchmark has a score.", links=pages)


def _benchmark_rows(runs: Sequence[RunResults], benchmark: BenchmarkResult) -> list[Row]:
    """Return the rows of a benchmark below its title; none if no run has it. Rows without any number are left out."""
    found = [run.benchmark(benchmark.name) for run in runs]
    if not any(found):
        return []
    rows = [Row((benchmark.title, *("" for _ in runs)), heading=True)]
    for metric in metrics_of(runs, benchmark.name):
        results = [None if each is None else each.metrics.get(metric) for each in found]
        if any(each is not None and (each.mean is not None or each.unreadable) for each in results):
            form = figures([None if each is None else each.mean for each in results])
            lower = better_side(runs, benchmark.name, metric) == "lower"
            name = f"{metric} {SIGNS['lower']}" if lower else metric
            rows.append(Row((name, *(_score(each, form) for each in results))))
    for name in dict.fromkeys(name for each in found if each is not None and not each.tier for name in each.figures):
        overall = [None if each is None else each.figures.get(name) for each in found]
        form = figures([None if each is None else each.value for each in overall])
        rows.append(Row((name, *(_figure(each, form) for each in overall))))
    failed = any(each is not None and each.failed for each in found)
    return [*rows, Row(("requests", *(_counts(each) for each in found)), marked=failed)]


def _score(result: MetricResult | None, form: str) -> str:
    if result is None:
        return "–"
    unreadable = f", {result.unreadable:,} unreadable" if result.unreadable else ""
    return interval(result.mean, result.low, result.high, form) + unreadable


def _figure(figure: Figure | None, form: str) -> str:
    return "–" if figure is None else interval(figure.value, figure.low, figure.high, form)


def _counts(benchmark: BenchmarkResult | None) -> str:
    if benchmark is None:
        return "missing"
    return f"{len(benchmark.items):,} items, {benchmark.failed:,} failed, {benchmark.cut:,} cut"


def group_blocks(runs: Sequence[RunResults]) -> list[Block]:
    """Return blocks of scores by level, and by category of Japanese MT-Bench, each with a chart."""
    blocks = []
    for benchmark in benchmarks_of(runs):
        metrics = metrics_of(runs, benchmark.name)
        if not metrics:
            continue
        if benchmark.name.startswith(MT_BENCH):
            blocks += _by_tag(runs, benchmark, metrics[0], "category")
        blocks += _by_tag(runs, benchmark, metrics[0], "level")
    return blocks


def _by_tag(runs: Sequence[RunResults], benchmark: BenchmarkResult, metric: str, tag: str) -> list[Block]:
    """Return a block of a metric by the values of a tag; none if no item has the tag."""
    of_runs = {run.label: found.items for run in runs if (found := run.benchmark(benchmark.name)) is not None}
    groups = list(dict.fromkeys(item.tags[tag] for items in of_runs.values() for item in items if tag in item.tags))
    if not groups:
        return []
    if tag == "level":
        groups.sort(key=_rank)
    scores = {
        label: [
            _mean([item for item in items if item.tags.get(tag) == group], metric, benchmark.scale) for group in groups
        ]
        for label, items in of_runs.items()
    }
    form = figures([mean for values in scores.values() for mean, _, _ in values])
    title = f"{benchmark.title}: {metric} by {tag}"
    rows = []
    for index, group in enumerate(groups):
        items = max(sum(item.tags.get(tag) == group for item in items) for items in of_runs.values())
        cells = (_cell(values[index], form) for values in scores.values())
        rows.append(Row((group, f"{items:,}", *cells)))
    picture = None
    if tag == "level":
        picture = level_bars(groups, scores, metric)
    elif len(groups) >= 3:
        means = {label: [mean for mean, _, _ in values] for label, values in scores.items()}
        picture = radar_chart(groups, means, highest=max(benchmark.scale))
    pictures = [] if picture is None else [Picture(picture, f"{title}; the numbers are in the table")]
    return [Block(title, (tag, "items", *scores), rows, pictures=pictures, section=False)]


def _rank(level: str) -> tuple[int, str]:
    """Return what levels are sorted by: a number in the name, or the school."""
    digits = "".join(char for char in level if char.isdecimal())
    return (_LEVELS.index(level) if level in _LEVELS else int(digits or len(_LEVELS))), level


def _mean(items: Sequence[RunItem], metric: str, scale: tuple[float, float]) -> tuple[float, float, float]:
    """Return the mean of a metric over items and its 95% interval; NaN: there is none."""
    read = [item for item in items if metric in item.scores]
    if not read:
        return math.nan, math.nan, math.nan
    values = [item.scores[metric] for item in read]
    found = mean_interval(values, [item.cluster for item in read], bounds=score_range(scale, values))
    return found.mean, found.low, found.high


def score_range(scale: tuple[float, float], values: Sequence[float]) -> tuple[float, float]:
    """Return the lowest and highest possible score of a benchmark with that scale: its ends, or a value beyond them."""
    return min(*scale, *values), max(*scale, *values)


def _cell(values: tuple[float, float, float], form: str) -> str:
    return "–" if math.isnan(values[0]) else interval(*values, form)
