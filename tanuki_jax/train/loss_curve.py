"""The picture of a run: training and held-out loss against steps, and what was rejected or left out."""

import json
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tanuki_jax.replacing import replacing
from tanuki_jax.train.run_folder import read_events, read_metrics


def draw(run: Path) -> None:
    """Draws `loss.png` in the run folder from its metrics, atomically."""
    train: list[tuple[int, float]] = []
    held_out: dict[str, list[tuple[int, float]]] = {}
    for line in read_metrics(run):
        if "loss" in line and line.get("accepted", True):
            train.append((line["step"], line["loss"]))
        for name, value in line.items():
            if name.startswith("held_out/") and name != "held_out/all":
                held_out.setdefault(name.removeprefix("held_out/"), []).append((line["step"], value))
    figure = Figure(figsize=(8, 4.5), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    if train:
        steps, losses = np.array(train).T
        axes.plot(steps, losses, color="0.8", linewidth=1)
        axes.plot(*_smooth(steps, losses), color="0.25", linewidth=1.8, label="training, smoothed")
    for number, (source, points) in enumerate(held_out.items()):
        axes.plot(*np.array(points).T, color=f"C{number}", marker="o", markersize=3.5, linewidth=1.4, label=f"held out: {source}")
    _mark(axes, run)
    axes.set(title=run.name, xlabel="step", ylabel="loss, nats a token")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if train or held_out:
        axes.legend(frameon=False)
    with replacing(run / "loss.png") as partial:
        figure.savefig(partial, format="png")


def _mark(axes: Axes, run: Path) -> None:
    """Rejected steps as ticks on the axis, and the curve of every spike from the checkpoint on to which the run went back."""
    axes.set_ylim(axes.get_ylim())  # a spike would dwarf the rest
    if rejected := [event["step"] for event in read_events(run) if event["event"] == "rejected"]:
        ticks = axes.get_xaxis_transform()
        axes.plot(rejected, [0.01] * len(rejected), "|", transform=ticks, color="C3", markersize=8, label="rejected steps")
    for number, path in enumerate(sorted((run / "spikes").glob("*.json"))):
        spike = json.loads(path.read_text(encoding="utf-8"))
        lost = [(line["step"], line["loss"]) for line in spike["metrics"] if "loss" in line]
        if lost:
            axes.plot(*np.array(lost).T, color="C3", alpha=0.5, linewidth=1, label=None if number else "left out after going back")
        axes.axvline(spike["checkpoint"], color="C3", linewidth=0.8, linestyle=":")


def _smooth(steps: np.ndarray, losses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A centred running mean over a fortieth of the run, of the losses that are finite."""
    finite = np.isfinite(losses)
    steps, losses = steps[finite], losses[finite]
    width = max(1, len(losses) // 40)
    kernel = np.ones(2 * width + 1)
    total = np.convolve(losses, kernel, mode="full")[width : width + len(losses)]
    count = np.convolve(np.ones(len(losses)), kernel, mode="full")[width : width + len(losses)]
    return steps, total / count
