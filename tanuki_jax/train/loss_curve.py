"""The picture of a run: training and held-out loss against steps."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from tanuki_jax.replacing import replacing
from tanuki_jax.train.run_folder import read_metrics


def draw(run: Path) -> None:
    """Draws `loss.png` in the run folder from its metrics, atomically."""
    train: list[tuple[int, float]] = []
    held_out: dict[str, list[tuple[int, float]]] = {}
    for line in read_metrics(run):
        if "loss" in line:
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
    axes.set(title=run.name, xlabel="step", ylabel="loss, nats a token")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if train or held_out:
        axes.legend(frameon=False)
    with replacing(run / "loss.png") as partial:
        figure.savefig(partial, format="png")


def _smooth(steps: np.ndarray, losses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A centred running mean over a fortieth of the run, of the losses that are finite."""
    finite = np.isfinite(losses)
    steps, losses = steps[finite], losses[finite]
    width = max(1, len(losses) // 40)
    kernel = np.ones(2 * width + 1)
    total = np.convolve(losses, kernel, mode="full")[width : width + len(losses)]
    count = np.convolve(np.ones(len(losses)), kernel, mode="full")[width : width + len(losses)]
    return steps, total / count
