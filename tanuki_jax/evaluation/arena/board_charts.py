"""Charts of a board: values with intervals, and heat maps of pairs.

matplotlib is imported when a picture is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tanuki_jax.base.plots import DIVERGING, frame_heat_map, new_figure, png, style
from tanuki_jax.evaluation.arena.board_table import Span
from tanuki_jax.evaluation.ratings.logistic_fit import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LONGEST_NAME = 34
_MOST_CELLS = 24
"""Rows or columns of a heat map up to which its cells have a text."""
_SHORT_NAME = 8
"""Characters of a column's name up to which it is written horizontally."""
_LARGEST, _LEAST_CELL = 7.5, 0.1
"""Inches that all columns of a heat map have at most, unless there are very many, and one has at least: a page shows a
picture in some 9 inches, in which a larger one is illegible."""


def name_in_picture(name: str) -> str:
    """Return a name as one line that is not too long, in which a dollar sign begins no formula."""
    line = " ".join(name.split())
    return (line if len(line) <= _LONGEST_NAME else f"{line[: _LONGEST_NAME - 1]}…").replace("$", r"\$")


@style()
def interval_chart(names: Sequence[str], series: Mapping[str, Sequence[Span]], axis: str, neutral: float) -> bytes:
    """Return a PNG of values with their intervals, a row a name, the first at the top.

    Args:
        names: names of the rows.
        series: name of a series -> a value for each row. An open bound becomes an arrow at the edge.
        axis: name of the horizontal axis.
        neutral: value that a vertical line marks.
    """
    figure = new_figure(8.0, 1.2 + 0.34 * len(names) * (1 + 0.35 * (len(series) - 1)))
    axes = figure.subplots()
    axes.axvline(neutral, color="0.5", linewidth=1, linestyle="--")
    finite = [value for spans in series.values() for span in spans for value in span if math.isfinite(value)]
    room = 0.05 * (max(*finite, neutral) - min(*finite, neutral) or 1)
    left, right = min(*finite, neutral) - room, max(*finite, neutral) + room
    for number, (name, spans) in enumerate(series.items()):
        heights = [row + 0.3 * (number - (len(series) - 1) / 2) for row in range(len(names))]
        _draw_spans(axes, heights, spans, (left, right), colour=f"C{number}", label=name)
    axes.set(xlabel=axis, xlim=(left, right), ylim=(len(names) - 0.4, -0.6))
    axes.set_yticks(range(len(names)), labels=[name_in_picture(name) for name in names])
    if len(series) > 1:
        figure.legend(loc="outside lower center", ncols=len(series))
    return png(figure)


def _draw_spans(
    axes: Axes, heights: Sequence[float], spans: Sequence[Span], limits: tuple[float, float], *, colour: str, label: str
) -> None:
    lows, highs = (np.clip([span[n] for span in spans], *limits) for n in (1, 2))
    axes.hlines(heights, lows, highs, color=colour, linewidth=2)
    axes.plot([span.value for span in spans], heights, "o", color=colour, markersize=5, label=label)
    for height, span in zip(heights, spans, strict=True):
        for bound, edge, marker in ((span.low, limits[0], "<"), (span.high, limits[1], ">")):
            if math.isinf(bound):
                axes.plot([edge], [height], marker, color=colour, markersize=7, clip_on=False)


@style()
def heat_map(
    rows: Sequence[str],
    columns: Sequence[str],
    values: Floats,
    texts: Sequence[Sequence[str]],
    *,
    bar: str,
    limits: tuple[float, float],
    colours: str = DIVERGING,
    percent: bool = False,
) -> bytes:
    """Return a PNG of a heat map, whose cells have a text if there are not too many.

    Args:
        rows: names of the rows.
        columns: names of the columns.
        values: [R, C]; NaN: no data, which is grey.
        texts: text of each cell.
        bar: name of the bar of colours.
        limits: values at the ends of the bar.
        colours: colour map of matplotlib.
        percent: whether the numbers of the bar are shares.
    """
    cell = min(0.6, _LARGEST / max(len(rows), len(columns)))
    figure = new_figure(
        max(8.0, 4.0 + max(cell, _LEAST_CELL) * len(columns)), 2.4 + max(0.75 * cell, _LEAST_CELL) * len(rows)
    )
    axes = figure.subplots()
    frame_heat_map(axes)
    image = axes.imshow(values, cmap=colours, vmin=limits[0], vmax=limits[1], aspect="auto")
    size: Any = {"fontsize": 10 if max(len(rows), len(columns)) <= _MOST_CELLS else 6}
    turned = 90 if len(columns) > _SHORT_NAME or max(map(len, columns)) > _SHORT_NAME else 0
    axes.set_xticks(range(len(columns)), labels=[name_in_picture(each) for each in columns], rotation=turned, **size)
    axes.set_yticks(range(len(rows)), labels=[name_in_picture(each) for each in rows], **size)
    axes.tick_params(length=0)
    form: Any = (lambda share, _: f"{share:.0%}") if percent else None
    figure.colorbar(image, label=bar, format=form, shrink=0.8)
    if max(len(rows), len(columns)) <= _MOST_CELLS:
        painted = image.to_rgba(values)[..., :3]
        for (row, column), value in np.ndenumerate(values):
            light = math.isfinite(value) and sum(painted[row, column]) < 1.5
            look: Any = {"ha": "center", "va": "center", "fontsize": 9, "color": "white" if light else "0.1"}
            text = axes.text(column, row, texts[row][column], **look)
            text.set_in_layout(False)  # it lies inside the axes, and to measure hundreds takes seconds
    return png(figure)
