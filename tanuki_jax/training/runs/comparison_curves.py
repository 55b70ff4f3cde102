"""Picture that compares runs: training loss and held-out losses, one panel each, in one colour a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tanuki_jax.base import plots
from tanuki_jax.training.runs.loss_curve import PREFERRED, smooth
from tanuki_jax.training.runs.recorded_run import RecordedRun, finite, held_out_names, labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_HELD_OUT = 5
"""Held-out losses that have a panel each; of more, only that of all sources together has one."""
MOST_SCORES = 6
"""Scores of checkpoints that have a panel, the first ones."""
SETTLED = 1 / 10
"""Share of the curves after which they determine the range of losses that is shown."""
LINES = ("-", "--", ":", "-.")
"""Styles of lines: the next one is taken where the colours begin again."""

type Points = npt.NDArray[np.float64]
"""float64[N, 2]: steps or tokens, and losses."""


@plots.style()
def draw(runs: Sequence[RecordedRun], path: Path) -> None:
    """Draw the picture of some runs into a PNG file, which appears complete."""
    names = held_out_names(runs)
    if len(names) > MOST_HELD_OUT:
        names = names[-1:]
    scores = [*dict.fromkeys(name for run in runs for name in run.scores)][:MOST_SCORES]
    metrics = ["loss", *names, *scores]
    columns = min(len(metrics), 2 if len(metrics) < 5 else 3)
    rows = -(-len(metrics) // columns)
    names_of_runs, width = labels(runs), 5.2 * columns
    in_a_line = max(1, min(len(runs), int(width / (0.8 + 0.09 * max(map(len, names_of_runs))))))
    lines_of_legend = -(-len(runs) // in_a_line)
    figure = plots.new_figure(width, 3.4 * rows + 0.2 * (1 + lines_of_legend))
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    by_tokens = _by_tokens(runs)
    for panel, metric in zip(panels, metrics, strict=False):
        _draw_panel(panel, [_curve(run, metric, by_tokens) for run in runs], marked=metric != "loss")
        pairs = any(metric in line for run in runs for line in run.lines for metric in PREFERRED)
        is_score = metric in scores
        panel.set(
            title=_title(metric),
            xlabel="tokens" if by_tokens else "step",
            ylabel=metric.rpartition("/")[2] if is_score else f"loss, nats a {'pair' if pairs else 'token'}",
        )
    for panel in panels[len(metrics) :]:
        panel.set_axis_off()
    figure.legend(panels[0].get_lines(), names_of_runs, loc="outside upper left", ncols=in_a_line)
    plots.save(figure, path)


def _title(metric: str) -> str:
    kind, _, name = metric.partition("/")
    words = {"loss": "training, smoothed", "held_out": f"held out: {name}", "evaluations": f"score: {name}"}
    return words[kind]


def _by_tokens(runs: Sequence[RecordedRun]) -> bool:
    """Whether runs are compared by tokens: all count them, and their steps differ in size."""
    shapes = [(run, run.config["data"]) for run in runs if isinstance(run.config.get("data"), dict)]
    sizes = {(run.batch_rows or shape.get("batch_rows"), shape.get("sequence_length")) for run, shape in shapes}
    return len(sizes) > 1 and all(run.curve("tokens") for run in runs)


def _curve(run: RecordedRun, metric: str, by_tokens: bool) -> Points:
    """Return the finite points of a metric, the training loss smoothed."""
    points = np.array(finite(run.curve(metric)), np.float64).reshape(-1, 2)
    if metric == "loss" and len(points):
        points = np.stack(smooth(*points.T), 1)
    if by_tokens:
        steps, tokens = np.array([(0, 0), *run.curve("tokens")], np.float64).T
        points[:, 0] = np.interp(points[:, 0], steps, tokens)
    return points


def _draw_panel(axes: Axes, curves: Sequence[Points], *, marked: bool) -> None:
    for number, points in enumerate(curves):
        axes.plot(
            *points.T,
            color=f"C{number % len(plots.SERIES)}",
            linestyle=LINES[number // len(plots.SERIES) % len(LINES)],
            linewidth=1.6,
            marker="o" if marked else "",
            markersize=3.5,
        )
    _limit(axes, curves)


def _limit(axes: Axes, curves: Sequence[Points]) -> None:
    """Leave the fall at the beginning out of the range of losses, or it would hide the differences at the end."""
    end = max((points[-1, 0] for points in curves if len(points)), default=0.0)
    later = [points[points[:, 0] >= SETTLED * end, 1] for points in curves]
    shown = np.concatenate([*later, *(points[-1:, 1] for points in curves)])
    if len(shown) and np.ptp(shown) > 0:
        margin = 0.05 * np.ptp(shown)
        axes.set_ylim(shown.min() - margin, shown.max() + margin)
