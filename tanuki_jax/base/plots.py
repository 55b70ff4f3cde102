"""One look for all pictures: figures, colours, scales of heat maps, and PNG files that appear complete.

matplotlib is imported when a picture is drawn, not before. A function that draws is decorated with `@style()`.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tanuki_jax.base.atomic import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.colorbar import Colorbar
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

BLUE, YELLOW, GREEN, PURPLE, RED = "#1b6ca8", "#e0a030", "#3aa17e", "#8060a8", "#c2554d"
SERIES = (BLUE, YELLOW, GREEN, PURPLE, "#7aa6c9", "#8c6d46", "#c98bb0", "#8a9a3c")
"""Colours C0, C1, ... of curves. Red is not among them: it marks faults and limits."""
DIVERGING = "RdBu_r"
"""Colour map of ratios: white at 1, red above it, blue below."""
NO_DATA = "0.8"
"""Background of a heat map, where values are missing."""
JAPANESE_FONTS = ("Hiragino Sans", "Noto Sans CJK JP", "Noto Sans JP", "IPAexGothic", "Yu Gothic")
"""Fonts for names in Japanese; those that are installed are used. Without any, a picture has boxes for them."""

_STYLE: dict[Any, Any] = {
    "figure.dpi": 120,
    "savefig.dpi": "figure",
    "figure.constrained_layout.use": True,
    "figure.titlesize": 12,
    "figure.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "legend.fontsize": 9,
}
_FRACTIONS = {1 / 8: "⅛", 1 / 4: "¼", 1 / 2: "½"}


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Apply the style to all that is drawn in the block, or in the decorated function."""
    import matplotlib
    from matplotlib.font_manager import fontManager
    from matplotlib.rcsetup import cycler

    installed = fontManager.get_font_names()
    fonts = ["DejaVu Sans", *(name for name in JAPANESE_FONTS if name in installed)]
    settings = {**_STYLE, "font.family": fonts, "axes.prop_cycle": cycler("color", SERIES)}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # boxes stand for them
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of that size in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height))


@style()
def save(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG that appears complete; its folder is made if needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        figure.savefig(partial, format="png")


@style()
def png(figure: Figure) -> bytes:
    """Return the content of a figure's PNG file."""
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def frame_heat_map(axes: Axes) -> None:
    """Draw a frame around a heat map instead of grid lines over it."""
    axes.grid(False)
    axes.spines[:].set_visible(True)
    axes.set_facecolor(NO_DATA)


def number_cells(axis: Axis, count: int, at_most: int) -> None:
    """Write numbers at the cells of a heat map from 0: all of them, or at most `at_most` at equal distances."""
    numbers = range(0, count, -(-count // at_most))
    axis.set_ticks([number + 0.5 for number in numbers], labels=[str(number) for number in numbers])
    axis.set_tick_params(length=0)


def ratio_scale(limit: int) -> LogNorm:
    """Return the scale of colours from 1/limit to `limit`, on which a half is as far from 1 as a double."""
    from matplotlib.colors import LogNorm

    return LogNorm(1 / limit, limit)


def number_ratios(bar: Colorbar, limit: int) -> None:
    """Write numbers at a colour bar of `ratio_scale(limit)` at the powers of two."""
    powers = [2.0**power for power in range(1 - limit.bit_length(), limit.bit_length())]
    bar.set_ticks(powers, labels=[_FRACTIONS.get(power, f"{power:g}") for power in powers])
    bar.minorticks_off()
