"""Pictures of the page about a spike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tanuki_jax.base import plots
from tanuki_jax.training.explain.layer_movement import Move, Trajectory
from tanuki_jax.training.explain.probe import Floats
from tanuki_jax.training.explain.replay import Replayed
from tanuki_jax.training.explain.spike_record import Line, SpikeRecord
from tanuki_jax.training.explain.suspects import STANDS_OUT, Document

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

STEPS_BEFORE = 48
"""Number of steps before the spike that are drawn; more if the checkpoint lies further back."""
NUMBERED = 5
"""Number of documents that get a number, if they stand out."""
USUAL, LATER = "0.25", "#7aa6c9"
LARGEST_RATIO = 8
"""Largest multiple of the usual value that has a colour of its own, and its inverse the smallest."""
LARGEST_LOAD = 4
"""Largest multiple of the even share that has a colour of its own, and its inverse the smallest."""


@plots.style()
def draw_curves(record: SpikeRecord) -> Figure:
    """Draw loss and gradient norm around the spike: spike shaded, rejected steps crossed, replacing steps blue."""
    from matplotlib.ticker import MaxNLocator

    spike = record.spike
    since = min(spike.checkpoint, spike.first - STEPS_BEFORE)
    figure = plots.new_figure(9, 5)
    panels = figure.subplots(2, 1, sharex=True)
    for panel, name, label in zip(
        panels, ("loss", "gradient_norm"), ("loss, nats a token", "gradient norm"), strict=True
    ):
        panel.axvspan(spike.first - 0.5, spike.last + 0.5, color=plots.RED, alpha=0.12, linewidth=0)
        panel.axvline(spike.checkpoint + 0.5, color="0.4", linewidth=1, linestyle="--")
        later = [line for line in record.afterwards if line["step"] <= spike.last]
        if later:
            panel.plot(*_points(later, name), color=LATER, linewidth=1.6, label="after it went back")
        lines = [line for line in record.lines if line["step"] > since]
        panel.plot(
            *_points(lines, name), color=USUAL, linewidth=1.2, marker=".", markersize=4, label="steps", zorder=2.5
        )
        _mark_rejected(panel, lines, name)
        panel.set_ylabel(label)
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panels[0].text(
        spike.checkpoint + 0.5,
        1.01,
        "checkpoint ",
        transform=panels[0].get_xaxis_transform(),
        ha="right",
        va="bottom",
        fontsize=8,
    )
    panels[1].set_xlabel("step")
    if any(np.isfinite(line["gradient_norm"]) and line["gradient_norm"] > 0 for line in record.lines):
        panels[1].set_yscale("log")
        _number_logarithmic(panels[1].yaxis)
    panels[0].legend()
    return figure


def _number_logarithmic(axis: Axis) -> None:
    """Label an axis with plain numbers at 1, 2, 5, 10 and so on."""
    from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(ScalarFormatter())
    axis.set_minor_formatter(NullFormatter())


def _points(lines: Sequence[Line], name: str) -> tuple[list[int], list[float]]:
    return [line["step"] for line in lines], [float(line[name]) for line in lines]


def _mark_rejected(panel: Axes, lines: Sequence[Line], name: str) -> None:
    """Mark rejected steps with crosses, those without a finite value at the upper edge."""
    rejected = [line for line in lines if not line.get("accepted", True)]
    inside = [line for line in rejected if np.isfinite(line[name])]
    outside = [line for line in rejected if not np.isfinite(line[name])]
    if rejected:
        panel.plot(
            *_points(inside, name), "x", color=plots.RED, markersize=8, markeredgewidth=2, label="rejected", zorder=3
        )
        at_edge = panel.get_xaxis_transform()
        panel.plot(
            [line["step"] for line in outside],
            [0.97] * len(outside),
            "x",
            color=plots.RED,
            markersize=8,
            transform=at_edge,
        )


@plots.style()
def draw_layers(known: Sequence[Trajectory], moves: Sequence[Move], first: int) -> Figure:
    """Draw a heat map of each quantity, layers against steps, with a dot where a layer moved first."""
    from matplotlib.ticker import MaxNLocator

    tallest = max(len(trajectory.groups) for trajectory in known)
    height = min(max(0.22 * tallest, 1.6), 9)
    figure = plots.new_figure(4.6 * len(known) + 0.6, height + 1.7)
    panels = figure.subplots(1, len(known), squeeze=False)[0]
    for panel, trajectory in zip(panels, known, strict=True):
        edges = np.array([*trajectory.steps, trajectory.steps[-1] + 1]) - 0.5
        finite = np.where(np.isfinite(trajectory.ratios_ng), trajectory.ratios_ng, np.inf)
        shown = np.clip(finite, 1 / LARGEST_RATIO, LARGEST_RATIO)
        scale = plots.ratio_scale(LARGEST_RATIO)
        mesh = panel.pcolormesh(edges, np.arange(len(trajectory.groups) + 1), shown.T, cmap=plots.DIVERGING, norm=scale)
        plots.frame_heat_map(panel)
        dots = [
            (move.step, trajectory.groups.index(move.group) + 0.5) for move in moves if move.name == trajectory.name
        ]
        if dots:
            panel.plot(*np.array(dots).T, "o", color="black", markersize=5, markerfacecolor="white")
        panel.axvline(first - 0.5, color="0.2", linewidth=1, linestyle="--")
        panel.set(title=trajectory.name, xlabel="step", ylim=(len(trajectory.groups), 0))
        panel.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        labelled = range(0, len(trajectory.groups), -(-len(trajectory.groups) // 36))
        panel.set_yticks(
            [number + 0.5 for number in labelled], [trajectory.groups[number] for number in labelled], fontsize=7
        )
        panel.tick_params(axis="y", length=0)
    bar = figure.colorbar(
        mesh, ax=panels, location="bottom", extend="both", aspect=60, fraction=0.5 / height, pad=0.1 / height
    )
    bar.set_label("times the median of the last steps before the spike")
    plots.number_ratios(bar, LARGEST_RATIO)
    return figure


@plots.style()
def draw_loads(before_le: Floats, within_le: Floats) -> Figure:
    """Draw the loads of the experts, layer against expert, before and in the spike, in multiples of the even share."""
    layers, experts = before_le.shape
    height = min(max(0.22 * layers, 1.6), 9)
    figure = plots.new_figure(8.4, height + 1.7)
    panels = figure.subplots(1, 2, sharey=True)
    for panel, load_le, name in zip(panels, (before_le, within_le), ("before the spike", "in the spike"), strict=True):
        shown = np.clip(load_le * experts, 1 / LARGEST_LOAD, LARGEST_LOAD)
        mesh = panel.pcolormesh(shown, cmap=plots.DIVERGING, norm=plots.ratio_scale(LARGEST_LOAD))
        plots.frame_heat_map(panel)
        panel.set(title=name, xlabel="expert", ylim=(layers, 0))
        plots.number_cells(panel.xaxis, experts, at_most=16)
        plots.number_cells(panel.yaxis, layers, at_most=32)
    panels[0].set_ylabel("layer")
    bar = figure.colorbar(
        mesh, ax=panels, location="bottom", extend="both", aspect=60, fraction=0.5 / height, pad=0.1 / height
    )
    bar.set_label(f"times the even share, 1/{experts}")
    plots.number_ratios(bar, LARGEST_LOAD)
    return figure


@plots.style()
def draw_documents(replayed: Replayed) -> Figure | None:
    """Draw the loss of every compared document against its length, the most suspicious numbered.

    Returns:
        None if no loss is finite.
    """
    first = replayed.plan.first
    finite = [document for document in replayed.documents if np.isfinite(document.before.mean)]
    if not finite:
        return None
    figure = plots.new_figure(8, 4)
    axes = figure.add_subplot()
    before = [document for document in finite if document.step < first]
    inside = [document for document in finite if document.step >= first]
    for label, colour, shown in (("in the spike", plots.RED, inside), ("before the spike", "0.4", before)):
        axes.scatter(*_lengths_and_losses(shown), s=14, color=colour, alpha=0.6, linewidths=0, label=label)
    for number, document in enumerate(replayed.documents[:NUMBERED], 1):
        if np.isfinite(document.before.mean) and document.suspicion >= STANDS_OUT:
            at = (document.fragment.length, document.before.mean)
            axes.annotate(str(number), at, xytext=(6, 4), textcoords="offset points", fontsize=10, fontweight="bold")
    axes.margins(y=0.1)
    axes.set(xlabel="tokens of the document in its row", ylabel="loss before these steps, nats a token", xscale="log")
    _number_logarithmic(axes.xaxis)
    axes.legend()
    return figure


def _lengths_and_losses(shown: Sequence[Document]) -> tuple[list[int], list[float]]:
    return [document.fragment.length for document in shown], [document.before.mean for document in shown]
