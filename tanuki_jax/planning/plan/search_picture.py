"""The picture of a search: what layouts need of a device's memory against how fast they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tanuki_jax.base import plots
from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.planning.plan.layouts import Candidate
from tanuki_jax.planning.plan.plan_results import GIB, Plan
from tanuki_jax.planning.plan.search_report import in_short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {"none": plots.BLUE, "dots": plots.GREEN, "attention": plots.YELLOW, "full": plots.RED}
"""By `Layout.remat`."""
LISTED = 12
"""Layouts of the frontier that are spelled out."""


class Point(NamedTuple):
    """A layout that was planned."""

    needed: float
    """GiB of a device, margin included."""
    speed: float
    """Tokens a second on each device."""
    candidate: Candidate


def points(found: Sequence[Candidate]) -> list[Point]:
    """Those of the candidates that were planned."""
    return [
        Point(candidate.plan.memory.needed / GIB, candidate.plan.tokens_per_second, candidate)
        for candidate in found
        if candidate.plan is not None
    ]


def frontier(candidates: Sequence[Point]) -> list[Point]:
    """Of those that fit, the ones than which no other is both faster and smaller, by size."""
    best: list[Point] = []
    fitting = (point for point in candidates if point.candidate.verdict == "fits")
    for point in sorted(fitting, key=lambda point: (point.needed, -point.speed)):
        if not best or point.speed > best[-1].speed:
            best.append(point)
    return best


@plots.style()
def draw(path: Path, experiment: Experiment, target: str, found: Sequence[Candidate]) -> None:
    """A PNG of all that was planned, the frontier numbered from its fastest and spelled out. InputError if nothing was planned."""
    placed = points(found)
    if not placed:
        raise InputError(
            f"no layout of {experiment.name} on {target} could be planned, so there is nothing to draw in {path}"
        )
    edge, any_plan = frontier(placed)[::-1], _plan(placed[0])
    figure = plots.new_figure(13, 6.5)
    axes, key = figure.subplots(1, 2, width_ratios=(5, 3))
    _scatter(axes, placed, any_plan.memory.capacity / GIB)
    _number(axes, edge)
    axes.set(xlabel="memory of a device, margin included, GiB", ylabel="tokens/s/device")
    axes.set_title(
        f"{experiment.name} on {target}: {len(placed)} layouts planned, {any_plan.tokens:,} tokens a step",
        pad=12,
    )
    _spell_out(key, edge)
    axes.legend(loc="upper left")
    plots.save(figure, path)


def _plan(point: Point) -> Plan:
    assert point.candidate.plan is not None
    return point.candidate.plan


def _scatter(axes: Axes, placed: Sequence[Point], capacity: float) -> None:
    """Those that fit as discs, those that do not as crosses right of the line, the largest at the picture's edge; by what is recomputed."""
    needed, speeds = [point.needed for point in placed], [point.speed for point in placed]
    right = min(1.5 * capacity, 1.05 * max(capacity, *needed))
    for policy, colour in COLOURS.items():
        shown = [point for point in placed if point.candidate.layout.remat == policy]
        fitting = [point for point in shown if point.candidate.verdict == "fits"]
        outside = [point for point in shown if point.candidate.verdict != "fits"]
        if shown:
            axes.scatter(
                *_columns(fitting),
                s=42,
                color=colour,
                edgecolors="white",
                linewidths=0.6,
                label=f"remat {policy}",
                zorder=2,
            )
        xs, ys = _columns(outside)
        axes.scatter([min(x, 0.99 * right) for x in xs], ys, s=30, color=colour, marker="x", alpha=0.8, zorder=2)
    if any(point.candidate.verdict != "fits" for point in placed):
        axes.scatter([], [], s=30, color="0.4", marker="x", label="does not fit")
    bottom, top = min(speeds), max(speeds)
    axes.set(
        xlim=(0, right),
        ylim=(max(0.0, bottom - 0.15 * (top - bottom) - 0.02 * top), top + 0.1 * (top - bottom) + 0.02 * top),
    )
    axes.axvline(capacity, color="0.2", linewidth=1, linestyle="--")
    axes.axvspan(capacity, right, color="0.5", alpha=0.12, linewidth=0)
    axes.text(
        capacity,
        0.015,
        f"{capacity:.0f} GiB ",
        transform=axes.get_xaxis_transform(),
        ha="right",
        color="0.3",
        fontsize=9,
    )
    axes.yaxis.set_major_formatter("{x:,.0f}")


def _columns(placed: Sequence[Point]) -> tuple[list[float], list[float]]:
    return [point.needed for point in placed], [point.speed for point in placed]


def _number(axes: Axes, edge: Sequence[Point]) -> None:
    """The frontier as a line, its points numbered from the fastest, which is a star."""
    axes.plot(*_columns(edge[::-1]), color="0.2", linewidth=1.2, zorder=1, drawstyle="steps-post", label="frontier")
    for number, point in enumerate(edge[:LISTED], 1):
        name = f"best: {point.speed:,.0f}" if number == 1 else str(number)
        axes.annotate(name, point[:2], xytext=(-4, 7), textcoords="offset points", ha="right", fontsize=9, zorder=4)
    colours = [COLOURS[point.candidate.layout.remat] for point in edge[:1]]
    axes.scatter(*_columns(edge[:1]), s=190, c=colours, marker="*", edgecolors="0.1", linewidths=0.8, zorder=3)


def _spell_out(axes: Axes, edge: Sequence[Point]) -> None:
    """The layouts of the frontier, the fastest first."""
    axes.set_axis_off()
    lines = ["The frontier: none is both faster and smaller than these." if edge else "None of them fits.", ""]
    for number, point in enumerate(edge[:LISTED], 1):
        figures = f"{point.speed:,.0f} tokens/s, MFU {_plan(point).mfu:.1%}, {point.needed:.1f} GiB"
        lines.append(f"{number:>2}  {figures}\n      {in_short(point.candidate.layout)}")
    lines += [f"and {len(edge) - LISTED} slower ones"] if len(edge) > LISTED else []
    axes.text(0, 1, "\n".join(lines), transform=axes.transAxes, va="top", fontsize=8.5, linespacing=1.5)
