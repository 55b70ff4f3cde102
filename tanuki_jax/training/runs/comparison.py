"""Tables that compare runs: the settings in which they differ, and their figures. A column is a run."""

import dataclasses
import datetime
import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import rich.box
import rich.table

from tanuki_jax.training.runs.recorded_run import RecordedRun, finite, held_out_names, labels

WHERE = ("name", "runs")
"""Fields that only say where a run is."""
SOURCES = "mixture.sources"


def settings_table(runs: Sequence[RecordedRun]) -> rich.table.Table | None:
    """Return a table of the settings that differ, a row each; None if none does.

    A run whose config or mixture is not known has question marks. An empty cell is a field that the run's config does
    not have.
    """
    rows = _differing([_config(run) for run in runs]) | _differing([_mixture(run) for run in runs])
    if not rows:
        return None
    table = _table("setting", runs)
    for name, values in rows.items():
        table.add_row(name, *values)
    return table


def _differing(settings: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
    """Return name -> value of every run, for the settings that differ between the runs that have any."""
    rows = {}
    for name in dict.fromkeys(name for of_run in settings for name in of_run):
        values = [of_run.get(name) for of_run in settings if of_run]
        # A source that not all runs have is in the row of the names of sources.
        if len(set(values)) > 1 and not (name.startswith(f"{SOURCES}.") and None in values):
            rows[name] = [of_run.get(name, "") if of_run else "?" for of_run in settings]
    return rows


def _config(run: RecordedRun) -> dict[str, str]:
    """Return the fields of a run's config by dotted name, in words."""
    fields = {name: value for name, value in _flat(run.config) if name not in WHERE}
    return fields | ({"data.batch_rows": run.batch_rows} if run.batch_rows else {})


def _mixture(run: RecordedRun) -> dict[str, str]:
    """Return the sources and stages of a run's mixture, in words."""
    if run.mixture is None:
        return {}
    found = {SOURCES: ", ".join(source.name for source in run.mixture.sources)}
    for number, stage in enumerate(run.mixture.stages):
        weights = ", ".join(f"{name} {weight:g}" for name, weight in stage.weights.items() if weight)
        found[f"mixture.stages.{number}"] = f"{weights} from data step {stage.from_step:,}" if number else weights
    for source in run.mixture.sources:
        found |= _flat(dataclasses.asdict(source), f"{SOURCES}.{source.name}.")
    return found


def _flat(fields: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield dotted names and values in words."""
    for name, value in fields.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, str):
            yield prefix + name, value or '""'
        elif isinstance(value, float):
            yield prefix + name, f"{value:g}" if float(f"{value:g}") == value else repr(value)
        else:
            yield prefix + name, json.dumps(value, ensure_ascii=False)


def figures_table(runs: Sequence[RecordedRun]) -> rich.table.Table:
    """Return a table of what the runs reached; a cell is empty where a run has no such figure yet."""
    table = _table("figure", runs)
    rows = {
        "step": [_step(run) for run in runs],
        "tokens": [_last(run, "tokens", ",.0f") for run in runs],
        "training loss, last": [_last(run, "loss", ".4f") for run in runs],
    }
    for name in held_out_names(runs):
        rows[f"{name}, last"] = [_last(run, name, ".4f") for run in runs]
        rows[f"{name}, best"] = [_best(run, name) for run in runs]
    rows["tokens/s, median"] = [_speed(run) for run in runs]
    rows["time of the steps"] = [_time(run) for run in runs]
    for name, cells in rows.items():
        if any(cells):
            table.add_row(name, *cells)
    return table


def _table(first: str, runs: Sequence[RecordedRun]) -> rich.table.Table:
    table = rich.table.Table(box=rich.box.SIMPLE_HEAD)
    table.add_column(first, no_wrap=True)
    for label in labels(runs):
        table.add_column(label, justify="right", overflow="fold")
    return table


def _step(run: RecordedRun) -> str:
    steps = run.config.get("steps")
    return f"{run.step:,} of {steps:,}" if isinstance(steps, int) else f"{run.step:,}"


def _last(run: RecordedRun, metric: str, form: str) -> str:
    points = run.curve(metric)
    return format(points[-1][1], form) if points else ""


def _best(run: RecordedRun, metric: str) -> str:
    """Return the lowest value and the step that had it first."""
    value, step = min(((value, step) for step, value in finite(run.curve(metric))), default=(None, 0))
    return "" if value is None else f"{value:.4f} at step {step:,}"


def _speed(run: RecordedRun) -> str:
    speeds = [value for _, value in finite(run.curve("tokens_per_second"))]
    return f"{statistics.median(speeds):,.0f}" if speeds else ""


def _time(run: RecordedRun) -> str:
    return str(datetime.timedelta(seconds=round(run.seconds))) if run.seconds else ""
