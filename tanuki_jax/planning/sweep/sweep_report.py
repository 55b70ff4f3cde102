"""What a sweep found: a table of all trials, the best first, as CSV and on the terminal."""

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
"""Figures that the terminal has room for, beside the objective."""


def ordered(sweep: Sweep, records: Iterable[Record]) -> list[Record]:
    """Those that have ended: the best first, then what does not fit, then what failed."""
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
    """A line for each trial that has ended: its end, the figures, those of the reference, and the fields in which experiments differ."""
    rows = ordered(sweep, records)
    figures = _figures(sweep, rows)
    references = _names(record.trial.reference for record in rows)
    fields = [_fields(record.trial.experiment) for record in rows]
    differing = [name for name in _names(fields) if len({field.get(name) for field in fields if field}) > 1]
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    table.writerow(
        [
            "trial",
            "name",
            "outcome",
            "reason",
            *figures,
            *(f"reference {name}" for name in references),
            "target",
            *differing,
        ]
    )
    for record, field in zip(rows, fields, strict=True):
        outcome, trial = record.outcome, record.trial
        assert outcome is not None
        found = [_short(outcome.figures.get(name)) for name in figures]
        told = [_short(trial.reference.get(name)) for name in references]
        varied = [_short(field.get(name)) for name in differing]
        table.writerow(
            [record.number, trial.name, outcome.verdict, outcome.reason, *found, *told, trial.target, *varied]
        )
    return written.getvalue()


def to_table(sweep: Sweep, records: Sequence[Record]) -> rich.table.Table:
    """The same in short."""
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
    """The objective first."""
    found = _names(record.outcome.figures for record in rows if record.outcome is not None)
    return [sweep.objective, *(name for name in found if name != sweep.objective)]


def _names(tables: Iterable[Any]) -> list[str]:
    """All keys, in the order in which they are first met."""
    return list(dict.fromkeys(name for table in tables for name in table))


def _fields(part: Any, prefix: str = "") -> dict[str, Any]:
    """Dotted name -> plain value of everything in an experiment; nothing for a trial that has none."""
    if not dataclasses.is_dataclass(part):
        return {prefix[:-1]: part} if prefix else {}
    found = [_fields(getattr(part, field.name), f"{prefix}{field.name}.") for field in dataclasses.fields(part)]
    return {name: value for table in found for name, value in table.items()}


def _short(value: Any) -> str:
    """A cell: four digits of what is not whole, nothing for what is not known."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
