"""Pictures of a sweep: the objective of every trial, against every axis, and memory against speed where trials were planned."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tanuki_jax.base import plots
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.sweep import Range, Sweep
from tanuki_jax.planning.sweep.study import Record
from tanuki_jax.planning.sweep.sweep_report import ordered

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OURS, THEIRS = plots.BLUE, plots.RED
SPEED, MEMORY, FREE = "tflops", "needed_gib", "free_gib"
"""Figures that make a layout; references have the first two under the same names."""


@plots.style()
def draw(sweep: Sweep, records: Sequence[Record], folder: Path) -> list[Path]:
    """Draws what there is to see into PNG files of the folder, and returns them."""
    rows = [record for record in ordered(sweep, records) if figure(record, sweep.objective) is not None]
    pictures: dict[str, Figure] = {}
    if rows:
        pictures["objective"] = _objective(sweep, rows)
    if rows and sweep.axes:
        pictures["axes"] = _axes(sweep, rows)
    if any(figure(record, MEMORY) is not None for record in rows):
        pictures["memory"] = _memory(sweep, rows)
    for name, picture in pictures.items():
        plots.save(picture, folder / f"{name}.png")
    return [folder / f"{name}.png" for name in pictures]


def figure(record: Record, name: str) -> float | None:
    """A figure of ours, where it is a number."""
    value = record.outcome.figures.get(name) if record.outcome is not None else None
    return float(value) if isinstance(value, int | float) else None


def reference(record: Record, name: str) -> float | None:
    """The same of the reference."""
    value = record.trial.reference.get(name)
    return float(value) if isinstance(value, int | float) else None


def _objective(sweep: Sweep, rows: Sequence[Record]) -> Figure:
    """A line for each trial, the best on top, ours beside the reference."""
    picture = plots.new_figure(9, 1.5 + 0.2 * len(rows))
    axes = picture.add_subplot()
    for place, record in enumerate(rows):
        theirs = reference(record, sweep.objective)
        axes.plot(_known(record, sweep.objective), place, _mark(record), color=OURS, markersize=5)
        if theirs is not None:
            axes.plot(theirs, place, "D", color=THEIRS, markersize=4, markerfacecolor="none")
    axes.set_yticks(range(len(rows)), [record.trial.name for record in rows], fontsize=7)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    _legend(axes, rows, sweep.objective)
    axes.set(xlabel=sweep.objective, title=f"{sweep.name}: {len(rows)} trials")
    return picture


def _axes(sweep: Sweep, rows: Sequence[Record]) -> Figure:
    """The objective against the values of each axis."""
    picture = plots.new_figure(4.2 * len(sweep.axes), 3.8)
    panels = picture.subplots(1, len(sweep.axes), sharey=True, squeeze=False)[0]
    for axes, (field, axis) in zip(panels, sweep.axes.items(), strict=True):
        values = [_value(record.trial.experiment, field) for record in rows]
        continuous = isinstance(axis, Range)
        axes.scatter(
            values if continuous else list(map(str, values)),
            [figure(record, sweep.objective) for record in rows],
            s=24,
            color=OURS,
        )
        if isinstance(axis, Range) and axis.log:
            axes.set_xscale("log")
        axes.set_xlabel(field)
    panels[0].set_ylabel(sweep.objective)
    picture.suptitle(sweep.name, x=0.01, ha="left")
    return picture


def _memory(sweep: Sweep, rows: Sequence[Record]) -> Figure:
    """Layouts by what they need of a device and by their speed, each joined to what the reference has for it."""
    picture = plots.new_figure(9, 6)
    axes = picture.add_subplot()
    capacities = {round(_known(record, MEMORY) + _known(record, FREE), 1) for record in rows}
    right = 1.5 * max(capacities)
    for record in rows:
        place = (
            min(_known(record, MEMORY), 0.99 * right),
            _known(record, SPEED),
        )  # what is larger stands at the picture's edge
        axes.plot(*place, _mark(record), color=OURS, markersize=5, zorder=3)
        memory, speed = reference(record, MEMORY), reference(record, SPEED)
        if memory is not None and speed is not None:
            axes.plot(memory, speed, "D", color=THEIRS, markersize=4, markerfacecolor="none", zorder=2)
            axes.plot((place[0], memory), (place[1], speed), color="0.85", linewidth=0.8, zorder=1)
    for capacity in capacities:
        axes.axvline(capacity, color="0.2", linewidth=1, linestyle="--")
    axes.set_xlim(0, right)
    axes.set_ylim(0, 1.08 * axes.get_ylim()[1])
    _legend(axes, rows, SPEED)
    axes.set(xlabel="memory of a device, margin included, GiB", ylabel="model TFLOP/s of a device", title=sweep.name)
    return picture


def _known(record: Record, name: str) -> float:
    value = figure(record, name)
    assert value is not None
    return value


def _mark(record: Record) -> str:
    return "o" if record.outcome is not None and record.outcome.verdict == "done" else "x"


def _legend(axes: Axes, rows: Sequence[Record], name: str) -> None:
    """Only of the marks that there are."""
    verdicts = {record.outcome.verdict for record in rows if record.outcome is not None}
    marks = [("o", OURS, "done", "done" in verdicts), ("x", OURS, "does not fit, or failed", verdicts != {"done"})]
    marks.append(("D", THEIRS, "reference", any(reference(record, name) is not None for record in rows)))
    for mark, colour, label, there in marks:
        if there:
            axes.plot([], [], mark, color=colour, markerfacecolor="none" if mark == "D" else colour, label=label)
    axes.legend()


def _value(experiment: Experiment | str, field: str) -> float | str:
    value = operator.attrgetter(field)(experiment)
    return value if isinstance(value, int | float) else str(value)
