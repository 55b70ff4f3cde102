"""Report of a sweep: all trials, the best first, as CSV and as a table for the terminal."""

import csv
import dataclasses
import io
from collections.abc import Iterable, Sequence
from typing import Any

import rich.box
import rich.table

from tanuki_jax.config.sweep import Sweep
from tanuki_jax.planning.sweep.study import Record

VERDICTS = ("done", "does not fit", "failed")
SHOWN = ("tflops", "needed_gib", "tokens_per_second_per_device", "loss", "held_out/all")
"""Figures in the table, in addition to the objective."""


def ordered(sweep: Sweep, records: Iterable[Record]) -> list[Record]:
    """Return the trials that have ended: the best first, then those that do not fit, then those that failed."""
    sign = -1 if sweep.direction == "maximize" else 1

    def key(record: Record) -> tuple[int, float, int]:
        assert record.outcome is not None
        value = record.outcome.figures.get(sweep.objective)
        return (
            VERDICTS.index(record.outcome.verdict),
            sign * value if isinstance(value, int | float) else 0.0,
            record.number,
        )

    return sorted((record for record in records if record.outcome is not None), key=key)


def to_csv(sweep: Sweep, records: Sequence[Record]) -> str:
    """Return CSV with a line for each trial that has ended: outcome, figures, reference, and fields that differ."""
    rows = ordered(sweep, records)
    figures = _figures(sweep, rows)
    references = _names(record.trial.reference for record in rows)
    fields = [_fields(record.trial.experiment) for record in rows]
    differing = [name for name in _names(fields) if len({field.get(name) for field in fields if field}) > 1]
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    reference_columns = [f"reference {name}" for name in references]
    table.writerow(["trial", "name", "outcome", "reason", *figures, *reference_columns, "target", *differing])
    for record, field in zip(rows, fields, strict=True):
        outcome, trial = record.outcome, record.trial
        assert outcome is not None
        head = [record.number, trial.name, outcome.verdict, outcome.reason]
        values = [_short(outcome.figures.get(name)) for name in figures]
        values += [_short(trial.reference.get(name)) for name in references]
        table.writerow([*head, *values, trial.target, *(_short(field.get(name)) for name in differing)])
    return written.getvalue()


def to_table(sweep: Sweep, records: Sequence[Record]) -> rich.table.Table:
    """Return a table of the trials that have ended, with the most important figures."""
    rows = ordered(sweep, records)
    figures = [name for name in _figures(sweep, rows) if name == sweep.objective or name in SHOWN]
    references = _names(record.trial.reference for record in rows)
    table = rich.table.Table(box=rich.box.SIMPLE_HEAD)
    table.add_column("trial", no_wrap=True)
    for name in [*figures, *(f"reference {name}" for name in references)]:
        table.add_column(name, justify="right")
    table.add_column("outcome", overflow="fold")
    for record in rows:
        outcome, trial = record.outcome, record.trial
        assert outcome is not None
        cells = [_short(outcome.figures.get(name)) for name in figures] + [
            _short(trial.reference.get(name)) for name in references
        ]
        table.add_row(trial.name, *cells, f"{outcome.verdict}: {outcome.reason}" if outcome.reason else outcome.verdict)
    return table


def _figures(sweep: Sweep, rows: Sequence[Record]) -> list[str]:
    """Return the names of all figures, the objective first."""
    names = _names(record.outcome.figures for record in rows if record.outcome is not None)
    return [sweep.objective, *(name for name in names if name != sweep.objective)]


def _names(tables: Iterable[Any]) -> list[str]:
    """Return all keys, in the order of their first occurrence."""
    return list(dict.fromkeys(name for table in tables for name in table))


def _fields(value: Any, prefix: str = "") -> dict[str, Any]:
    """Return the fields of an experiment by dotted name; nothing for a trial without one."""
    if not dataclasses.is_dataclass(value):
        return {prefix[:-1]: value} if prefix else {}
    nested = [_fields(getattr(value, field.name), f"{prefix}{field.name}.") for field in dataclasses.fields(value)]
    return {name: leaf for fields in nested for name, leaf in fields.items()}


def _short(value: Any) -> str:
    """Return the text of a cell: floats with four digits, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
