"""Scatter plots whose points have names, which hide neither points nor each other where that is possible.

matplotlib is imported when a picture is drawn.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from tanuki_jax.base.plots import BLUE, GREEN, YELLOW, new_figure, png, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Group = Literal["outside", "run", "left out"]
_LOOKS = {"outside": (BLUE, "o", "outside tables"), "run": (GREEN, "D", "runs"), "left out": (YELLOW, "s", "left out")}
_LONGEST_NAME = 34
_DISTANCES = (8, 18, 30, 44, 60)
"""Distances of a name from its point that are tried, in pixels."""
_ANGLES = 16
_POINT = 6
"""Half the width of the square that a point takes, in pixels."""
_AROUND = 2
"""Free pixels around a name."""


@dataclasses.dataclass(frozen=True)
class Dot:
    """A point of a scatter plot."""

    name: str
    x: float
    y: float
    group: Group = "outside"


class Box(NamedTuple):
    """A rectangle of the picture, in pixels."""

    left: float
    bottom: float
    right: float
    top: float

    def overlap(self, other: Box) -> float:
        """Return the area that two rectangles share."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(width, 0.0) * max(height, 0.0)

    @property
    def area(self) -> float:
        """Return the area."""
        return (self.right - self.left) * (self.top - self.bottom)


def places(points: Sequence[tuple[float, float]], sizes: Sequence[tuple[float, float]], frame: Box) -> list[Box]:
    """Return a rectangle for the name of each point, all in pixels.

    Greedy: points with near neighbours choose first, and each takes the nearest of the places around it that overlap
    least with points, with names that are placed, and with what is outside the frame.

    Args:
        points: centres of the points.
        sizes: width and height of the names.
        frame: rectangle in which the names should be.
    """
    dots = [Box(x - _POINT, y - _POINT, x + _POINT, y + _POINT) for x, y in points]
    boxes: dict[int, Box] = {}

    def crowded(index: int) -> float:
        return min((math.dist(points[index], other) for n, other in enumerate(points) if n != index), default=math.inf)

    def hidden(box: Box) -> float:
        return sum(box.overlap(other) for other in (*dots, *boxes.values())) + box.area - box.overlap(frame)

    for index in sorted(range(len(points)), key=crowded):
        boxes[index] = min(_around(points[index], sizes[index]), key=hidden)  # the first, nearest one of equals
    return [boxes[index] for index in range(len(points))]


def _around(point: tuple[float, float], size: tuple[float, float]) -> Iterator[Box]:
    """Yield rectangles of a size around a point, from the nearest to the farthest, those beside it first."""
    (x, y), (width, height) = point, size
    turns = sorted(range(_ANGLES), key=lambda n: min(n, _ANGLES - n, abs(n - _ANGLES / 2) + 0.5))
    for distance, turn in itertools.product(_DISTANCES, turns):
        angle = 2 * math.pi * turn / _ANGLES
        left = x + distance * math.cos(angle) + width * (math.cos(angle) - 1) / 2
        bottom = y + distance * math.sin(angle) + height * (math.sin(angle) - 1) / 2
        yield Box(left, bottom, left + width, bottom + height)


def scatter(x_name: str, y_name: str, dots: Sequence[Dot]) -> bytes:
    """Return the PNG of `scatter_figure`."""
    with style():
        return png(scatter_figure(x_name, y_name, dots))


@style()
def scatter_figure(x_name: str, y_name: str, dots: Sequence[Dot]) -> Figure:
    """Return a figure of points with their names, and the line of least squares through those that are not left out.

    Args:
        x_name: name of the horizontal axis.
        y_name: name of the vertical axis.
        dots: the points, at least one.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = new_figure(8.0, 5.6)
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.set(xlabel=x_name, ylabel=y_name)
    axes.margins(0.12)
    for group, (colour, marker, label) in _LOOKS.items():
        if members := [dot for dot in dots if dot.group == group]:
            xs, ys = [dot.x for dot in members], [dot.y for dot in members]
            axes.scatter(xs, ys, s=34, c=colour, marker=marker, label=label, zorder=3)
    _draw_line(axes, [dot for dot in dots if dot.group != "left out"])
    if len({dot.group for dot in dots}) > 1:
        figure.legend(loc="outside lower center", ncols=3)
    _write_names(figure, axes, dots)
    return figure


def _draw_line(axes: Axes, dots: Sequence[Dot]) -> None:
    """Draw the line of least squares within the range of the points, if there are three of them that it fits."""
    import numpy as np

    xs, ys = np.array([dot.x for dot in dots]), np.array([dot.y for dot in dots])
    if len(dots) < 3 or np.ptp(xs) == 0:
        return
    spread = xs - xs.mean()
    slope = float(spread @ ys / (spread @ spread))
    ends = np.array([xs.min(), xs.max()])
    axes.plot(ends, ys.mean() + slope * (ends - xs.mean()), color="0.6", linewidth=1, linestyle="--", zorder=2)


def _write_names(figure: Figure, axes: Axes, dots: Sequence[Dot]) -> None:
    from matplotlib.transforms import IdentityTransform

    figure.draw_without_rendering()  # so that limits and layout, and with them the places of points, are final
    pixels = IdentityTransform()
    look: Any = {"fontsize": 8, "va": "bottom", "zorder": 2.5}  # below the points, above the line
    ground: Any = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.5}
    names = [dot.name if len(dot.name) <= _LONGEST_NAME else f"{dot.name[: _LONGEST_NAME - 1]}…" for dot in dots]
    points = [tuple(axes.transData.transform((dot.x, dot.y))) for dot in dots]
    texts = [axes.text(0, 0, name, transform=pixels, bbox=ground, **look) for name in names]
    extents = [text.get_window_extent() for text in texts]
    boxes = places(
        points, [(each.width + 2 * _AROUND, each.height + 2 * _AROUND) for each in extents], Box(*axes.bbox.extents)
    )
    for text, box, (x, y) in zip(texts, boxes, points, strict=True):
        text.set_position((box.left + _AROUND, box.bottom + _AROUND))
        text.set_in_layout(False)
        nearest = min(max(x, box.left), box.right), min(max(y, box.bottom), box.top)
        if math.dist((x, y), nearest) > 1.5 * _DISTANCES[0]:
            (line,) = axes.plot(
                [x, nearest[0]], [y, nearest[1]], transform=pixels, color="0.5", linewidth=0.6, zorder=2
            )
            line.set_in_layout(False)
