"""Picture of a run's routers: balance of the experts' loads by layer, at the end of the run and over its steps."""

from __future__ import annotations

import functools
import math
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from tanuki_jax.base import plots
from tanuki_jax.training.runs.run_folder import read_metrics

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

COLUMNS = 240
"""Largest number of columns of a heat map against steps; each is the mean of its lines."""
LARGEST = 4
"""Loads above this multiple of the even share, and below its inverse, have one colour."""

type Floats = npt.NDArray[np.float64]
type Integers = npt.NDArray[np.int64]


class Routers(NamedTuple):
    """Statistics of the routers of L layers in N lines of metrics. Loads are multiples of the even share 1/E."""

    steps_n: Integers
    largest_nl: Floats
    """Largest load of an expert."""
    entropy_nl: Floats
    """Entropy of the router as a share of log E."""
    dropped_nl: Floats
    """Share of the choices that were dropped."""
    load_le: Floats
    """Mean load over the lines from step `since` on."""
    since: int
    """First step of the last tenth of the run."""


def draw(run: Path) -> None:
    """Draw `experts.png` in the run folder from its metrics; nothing for a dense model. The file appears complete."""
    if routers := _read(run):
        plots.save(_figure(run.name, routers), run / "experts.png")


def _read(run: Path) -> Routers | None:
    steps, largest, entropy, dropped = [], [], [], []
    last_tenth: deque[tuple[int, Floats]] = deque()
    for line in read_metrics(run):
        if "expert_load" not in line:
            continue
        step, share_le = line["step"], np.array(line["expert_load"])
        experts = share_le.shape[1]
        steps.append(step)
        largest.append(share_le.max(1) * experts)
        entropy.append(np.array(line["router_entropy"]) / math.log(experts))
        dropped.append(line["expert_dropped"])
        last_tenth.append((step, share_le * experts))
        while last_tenth[0][0] <= 0.9 * step:
            last_tenth.popleft()
    if not steps:
        return None
    load_le = _means(np.array([load_le for _, load_le in last_tenth]), np.array([0]))[0]
    return Routers(np.array(steps), np.array(largest), np.array(entropy), np.array(dropped), load_le, last_tenth[0][0])


def _means(values: Floats, begins: Integers) -> Floats:
    """Return means over the finite values of groups along axis 0, which begin at `begins`; NaN where none is finite."""
    finite = np.isfinite(values)
    totals = np.add.reduceat(np.where(finite, values, 0.0), begins)
    counts = np.add.reduceat(finite.astype(np.int64), begins)
    return np.divide(totals, counts, out=np.full(totals.shape, np.nan), where=counts > 0)


@plots.style()
def _figure(name: str, routers: Routers) -> Figure:
    """Return a row of panels with a common axis of layers, so that the eye follows a layer from panel to panel."""
    from matplotlib.colors import Normalize
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    layers, experts = routers.load_le.shape
    dropped = (routers.dropped_nl > 0).any()
    widths = [min(max(0.4 * experts, 3.4), 6.0)] + [3.4] * (3 if dropped else 2)
    height = min(max(0.2 * layers, 1.8), 8.5)
    figure = plots.new_figure(sum(widths) + 0.8, height + 1.9)
    figure.suptitle(name, x=0.01, ha="left")
    panels = figure.subplots(1, len(widths), sharey=True, width_ratios=widths)
    panels[0].set(ylabel="layer", ylim=(layers, 0))
    plots.number_cells(panels[0].yaxis, layers, at_most=32)

    loads = _draw_loads(panels[0], routers)
    _write_loads(panels[0], routers.load_le, 72 * widths[0] / experts, 72 * height / layers)
    scale = plots.ratio_scale(LARGEST)
    _draw_history(panels[1], "largest load of the layer", routers.steps_n, routers.largest_nl, plots.DIVERGING, scale)
    bar_below = functools.partial(figure.colorbar, location="bottom", pad=0.1 / height, fraction=0.5 / height)
    bar = bar_below(loads, ax=panels[:2], extend="both", aspect=60)
    bar.set_label(f"times the even share, 1/{experts}")
    plots.number_ratios(bar, LARGEST)

    lowest = math.floor(10 * np.nanmin(routers.entropy_nl, initial=0.9)) / 10
    entropy = _draw_history(
        panels[2], "router entropy", routers.steps_n, routers.entropy_nl, "viridis", Normalize(lowest, 1)
    )
    bar = bar_below(entropy, ax=panels[2], aspect=30)
    bar.set_label(f"share of log {experts}")
    if dropped:
        choices = _draw_history(
            panels[3], "choices dropped", routers.steps_n, routers.dropped_nl, "Purples", Normalize(0)
        )
        bar = bar_below(choices, ax=panels[3], aspect=30)
        bar.locator, bar.formatter = MaxNLocator(4), PercentFormatter(1)
        bar.set_label("share of the layer's choices")
    return figure


def _draw_loads(panel: Axes, routers: Routers) -> QuadMesh:
    """Draw layers against experts at the end of the run."""
    last = routers.steps_n[-1]
    steps = f"step {last:,}" if routers.since == last else f"steps {routers.since:,} to {last:,}"
    panel.set(title=f"load of each expert, {steps}", xlabel="expert")
    plots.frame_heat_map(panel)
    plots.number_cells(panel.xaxis, routers.load_le.shape[1], at_most=16)
    return panel.pcolormesh(routers.load_le.clip(1 / LARGEST), cmap=plots.DIVERGING, norm=plots.ratio_scale(LARGEST))


def _write_loads(panel: Axes, load_le: Floats, width: float, height: float) -> None:
    """Write loads into their cells of `width` by `height` points, if there is room for readable text."""
    size = min(height * 0.7, width * 0.33, 9)
    if size < 5.5:
        return
    for (layer, expert), load in np.ndenumerate(load_le):
        colour = "0.15" if 0.4 < load < 2.5 else "white"
        panel.text(expert + 0.5, layer + 0.52, f"{load:.2f}", ha="center", va="center", fontsize=size, color=colour)


def _draw_history(
    panel: Axes, title: str, steps_n: Integers, values_nl: Floats, colours: str, norm: Normalize
) -> QuadMesh:
    """Draw layers against steps; a column covers the steps after the column before it, up to its own last step."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    columns = min(len(steps_n), COLUMNS)
    begins = np.arange(columns) * len(steps_n) // columns
    edges = np.concatenate([[0], steps_n[np.append(begins[1:], len(steps_n)) - 1]])
    panel.set(title=title, xlabel="step")
    plots.frame_heat_map(panel)
    panel.tick_params(axis="y", length=0)
    panel.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    panel.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    return panel.pcolormesh(
        edges, np.arange(values_nl.shape[1] + 1), _means(values_nl, begins).T, cmap=colours, norm=norm
    )
