"""Charts of a board are pictures, also of open bounds, missing pairs and names with signs of formulas."""

import io
import math

import numpy as np
import numpy.typing as npt
from matplotlib.image import imread

from tanuki_jax.evaluation.arena.board_charts import heat_map, interval_chart, name_in_picture
from tanuki_jax.evaluation.arena.board_table import Span

BLUE, YELLOW, GREY, DARK_RED, DARK_BLUE = 0x1B6CA8, 0xE0A030, 0xCCCCCC, 0x67001F, 0x053061


def pixels(png: bytes) -> npt.NDArray[np.int64]:
    """Return the colours of a picture, [H, W], as 0xRRGGBB."""
    rgb = np.round(255 * imread(io.BytesIO(png), format="png")[..., :3]).astype(np.int64)
    return rgb @ np.array([1 << 16, 1 << 8, 1])


def thick_columns(png: bytes) -> npt.NDArray[np.intp]:
    """Return the columns of pixels in which a row of a chart has more blue than a line: dots and arrows."""
    return np.flatnonzero((pixels(png) == BLUE).sum(axis=0) > 5)


def test_names_become_short_lines_without_formulas() -> None:
    assert name_in_picture(" a\nb $c$ ") == r"a b \$c\$"
    assert name_in_picture("x" * 40) == "x" * 33 + "…"
    assert interval_chart([r"$\nothing$"], {"rating": [Span(1, 0, 2)]}, "rating", 1)


def test_open_bounds_become_arrows_at_the_edges() -> None:
    closed, opened = (
        thick_columns(interval_chart(["a"], {"rating": [Span(1000, -bound, bound)]}, "rating", 1000))
        for bound in (1100, math.inf)
    )
    assert np.ptp(closed) < 20 < 300 < np.ptp(opened)


def test_each_series_of_intervals_has_a_colour() -> None:
    spans = [Span(1000, 900, 1100)]
    two = pixels(interval_chart(["a"], {"rating": spans, "other": spans}, "rating", 1000))
    one = pixels(interval_chart(["a"], {"rating": spans}, "rating", 1000))
    assert (two == BLUE).any() and (two == YELLOW).any()
    assert (one == BLUE).any() and not (one == YELLOW).any()


def test_a_heat_map_has_colours_for_values_and_grey_for_none() -> None:
    values = np.array([[math.nan, 1.0], [0.0, math.nan]])
    found = pixels(heat_map(["a", "b"], ["a", "b"], values, [["", ""], ["", ""]], bar="score", limits=(0, 1)))
    red, blue, grey = (int((found == colour).sum()) for colour in (DARK_RED, DARK_BLUE, GREY))
    assert 0.9 < red / blue < 1.1 and 1.8 < grey / red < 2.2


def test_cells_of_a_large_heat_map_have_no_text() -> None:
    def drawn(count: int, text: str) -> bytes:
        names = [f"m{number}" for number in range(count)]
        return heat_map(names, names, np.zeros((count, count)), [[text] * count] * count, bar="votes", limits=(0, 1))

    assert drawn(3, "1") != drawn(3, "2")
    assert drawn(25, "1") == drawn(25, "2")
