"""Picture of a run: training and held-out loss against steps, rejected steps and spikes, and accuracy for pairs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tanuki_jax.base import plots
from tanuki_jax.training.runs.run_folder import read_events, read_metrics

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PREFERRED = {"rewards/accuracies": "share of pairs, chosen rewarded", "rewards/margins": "chosen - rejected reward"}
"""Metric of pairs -> label of the panel that the first one in a run has: accuracies, or kto's margins."""


@plots.style()
def draw(run: Path) -> None:
    """Draw `loss.png` in the run folder from its metrics; the file appears complete."""
    lines = list(read_metrics(run))
    preferred = next((metric for metric in PREFERRED if any(metric in line for line in lines)), "")
    figure = plots.new_figure(8, 7.5 if preferred else 4.5)
    panels = figure.subplots(2 if preferred else 1, squeeze=False, sharex=True)[:, 0]
    _curves(panels[0], lines, "loss")
    _mark(panels[0], run)
    panels[0].set(title=run.name, ylabel="loss, nats a pair" if preferred else "loss, nats a token")
    if preferred:
        _curves(panels[1], lines, preferred)
        panels[1].set(ylabel=PREFERRED[preferred])
        if preferred == "rewards/accuracies":
            panels[1].set(ylim=(-0.05, 1.05))
    panels[-1].set(xlabel="step")
    for axes in panels:
        if axes.get_legend_handles_labels()[1]:
            axes.legend()
    plots.save(figure, run / "loss.png")


def _curves(axes: Axes, lines: Sequence[Mapping[str, Any]], metric: str) -> None:
    """Draw a metric of accepted steps, and of every held-out source."""
    train = [(line["step"], line[metric]) for line in lines if metric in line and line.get("accepted", True)]
    if train:
        steps, values = np.array(train).T
        axes.plot(steps, values, color="0.8", linewidth=1)
        axes.plot(*smooth(steps, values), color="0.25", linewidth=1.8, label="training, smoothed")
    held_out: dict[str, list[tuple[int, float]]] = {}
    for line in lines:
        for name, value in line.items():
            split, _, rest = name.partition("/")
            source, _, part = rest.partition("/")
            if split == "held_out" and source != "all" and (part or "loss") == metric:
                held_out.setdefault(source, []).append((line["step"], value))
    for number, (source, points) in enumerate(held_out.items()):
        axes.plot(
            *np.array(points).T,
            color=f"C{number}",
            marker="o",
            markersize=3.5,
            linewidth=1.4,
            label=f"held out: {source}",
        )


def _mark(axes: Axes, run: Path) -> None:
    """Mark rejected steps by ticks on the axis, and draw each spike from the checkpoint to which the run went back."""
    axes.set_ylim(axes.get_ylim())  # a spike would dwarf the rest
    if rejected := [event["step"] for event in read_events(run) if event["event"] == "rejected"]:
        ticks = axes.get_xaxis_transform()
        axes.plot(
            rejected,
            [0.01] * len(rejected),
            "|",
            transform=ticks,
            color=plots.RED,
            markersize=8,
            label="rejected steps",
        )
    for number, path in enumerate(sorted((run / "spikes").glob("*.json"))):
        spike = json.loads(path.read_text(encoding="utf-8"))
        lost = [(line["step"], line["loss"]) for line in spike["metrics"] if "loss" in line]
        if lost:
            axes.plot(
                *np.array(lost).T,
                color=plots.RED,
                alpha=0.5,
                linewidth=1,
                label=None if number else "left out after going back",
            )
        axes.axvline(spike["checkpoint"], color=plots.RED, linewidth=0.8, linestyle=":")


def smooth(steps: np.ndarray, losses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the centred running mean of the finite losses over a fortieth of the run."""
    finite = np.isfinite(losses)
    steps, losses = steps[finite], losses[finite]
    width = max(1, len(losses) // 40)
    kernel = np.ones(2 * width + 1)
    total = np.convolve(losses, kernel, mode="full")[width : width + len(losses)]
    count = np.convolve(np.ones(len(losses)), kernel, mode="full")[width : width + len(losses)]
    return steps, total / count
