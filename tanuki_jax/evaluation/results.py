"""The results of a run as one JSON: every answer, every score, and what is needed to repeat it."""

import datetime
import importlib.metadata
import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.evaluation.benchmark import Benchmark
from tanuki_jax.evaluation.run_benchmark import ScoredItem
from tanuki_jax.evaluation.statistics.intervals import mean_interval

FORMAT = 1
RESULTS = "results.json"
_PACKAGES = ("tanuki-jax", "aiohttp", "numpy")


def benchmark_results(
    benchmark: Benchmark, scored: Sequence[ScoredItem], data: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    """Return the results of one benchmark as JSON values.

    Args:
        benchmark: benchmark.
        scored: its items with their scores.
        data: path and SHA-256 of each file that the items were read from.
    """
    return {
        "name": benchmark.name,
        "title": benchmark.full_title,
        "scale": [*benchmark.scale],
        "missing": "",
        "data": [dict(each) for each in data],
        "metrics": {name: _metric(name, scored, benchmark) for name in benchmark.metrics},
        "overall": dict(benchmark.overall([(each.item, each.scores) for each in scored])),
        "failed": sum(each.failed for each in scored),
        "cut": sum(each.cut for each in scored),
        "items": [_item(each) for each in scored],
    }


def missing_results(benchmark: Benchmark, reason: str) -> dict[str, Any]:
    """Return the results of a benchmark that could not be run.

    Args:
        benchmark: benchmark.
        reason: reason as a sentence.
    """
    return {
        "name": benchmark.name,
        "title": benchmark.full_title,
        "scale": [*benchmark.scale],
        "missing": reason,
        "data": [],
        "metrics": {},
        "overall": {},
        "failed": 0,
        "cut": 0,
        "items": [],
    }


def write_results(path: Path, about: Mapping[str, Any], benchmarks: Sequence[Mapping[str, Any]]) -> None:
    """Write the results of a run.

    Args:
        path: file.
        about: name, model, config and beginning of the run.
        benchmarks: results of the benchmarks.
    """
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES} | {"python": platform.python_version()}
    whole = {"format": FORMAT, **about, "versions": versions, "finished": now(), "benchmarks": [*benchmarks]}
    write_json(path, whole)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write an object as a file of JSON.

    Halves of surrogate pairs, as in a question or in the name of a model, become question marks.

    Args:
        path: file.
        value: object.
    """
    text = json.dumps(value, ensure_ascii=False, indent=1).encode(errors="replace").decode()
    replace_text(path, f"{text}\n")


def now() -> str:
    """Return the present time in UTC, as in 2026-11-30T18:00:00Z."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _metric(name: str, scored: Sequence[ScoredItem], benchmark: Benchmark) -> dict[str, Any]:
    """Return mean and interval of a metric over the items that have it."""
    better = "lower" if name in benchmark.lower_is_better else "higher"
    having = [each for each in scored if name in each.scores.values]
    unreadable = len(scored) - len(having)
    if not having:
        return {"mean": None, "low": None, "high": None, "items": 0, "unreadable": unreadable, "better": better}
    values = [each.scores.values[name] for each in having]
    bounds = benchmark.bounds.get(name, (0.0, 1.0))
    found = mean_interval(values, [each.item.cluster for each in having], bounds=bounds)
    counts = {"items": len(having), "unreadable": unreadable}
    return {"mean": found.mean, "low": found.low, "high": found.high, **counts, "better": better}


def _item(scored: ScoredItem) -> dict[str, Any]:
    item, scores = scored.item, scored.scores
    return {
        "id": item.id,
        "cluster": item.cluster,
        "tags": dict(item.tags),
        "question": item.question,
        "expected": item.expected,
        "scores": dict(scores.values),
        "unreadable": [*scores.unreadable],
        "note": scores.note,
        "answers": [
            {
                "by": each.ask.by,
                "label": each.ask.label,
                "request": dict(each.ask.body),
                "text": each.reply.text,
                "cut": each.reply.cut,
                "failure": each.reply.failure,
                **({"thought": each.reply.raw} if each.reply.raw.strip() != each.reply.text else {}),
            }
            for each in scored.exchanges
        ],
    }
