"""Charts of a board are pictures, also of open bounds, missing pairs and names with signs of formulas."""

import io
import math

import numpy as np
from matplotlib.image import imread

from tanuki_jax.evaluation.arena.board_charts import heat_map, interval_chart, name_in_picture
from tanuki_jax.evaluation.arena.board_table import Span


def colours(png: bytes) -> set[int]:
    """Return the different colours of a picture, as 0xRRGGBB."""
    pixels = np.round(255 * imread(io.BytesIO(png), format="png")[..., :3]).astype(int)
    return set(np.unique(pixels @ [1 << 16, 1 << 8, 1]).tolist())


def test_names_become_short_lines_without_formulas() -> None:
    assert name_in_picture(" a\nb $c$ ") == r"a b \$c\$"
    assert name_in_picture("x" * 40) == "x" * 33 + "…"
    assert interval_chart([r"$\nothing$"], {"rating": [Span(1, 0, 2)]}, "rating", 1)


def test_open_bounds_are_drawn_unlike_closed_ones() -> None:
    names = ["a", "b"]
    closed = interval_chart(names, {"rating": [Span(1000, 900, 1100), Span(950, 900, 1000)]}, "rating", 1000)
    opened = interval_chart(names, {"rating": [Span(1000, 900, math.inf), Span(950, -math.inf, 1000)]}, "rating", 1000)
    assert closed != opened
    assert interval_chart(["a"], {"rating": [Span(1000, -math.inf, math.inf)]}, "rating", 1000)


def test_each_series_of_intervals_has_a_colour() -> None:
    spans = [Span(1000, 900, 1100)]
    two = interval_chart(["a"], {"rating": spans, "other": spans}, "rating", 1000)
    assert {0x1B6CA8, 0xE0A030} <= colours(two)
    assert 0xE0A030 not in colours(interval_chart(["a"], {"rating": spans}, "rating", 1000))


def test_a_heat_map_has_colours_for_values_and_grey_for_none() -> None:
    values = np.array([[math.nan, 1.0], [0.0, math.nan]])
    found = colours(heat_map(["a", "b"], ["a", "b"], values, [["", ""], ["", ""]], bar="score", limits=(0, 1)))
    assert {0x67001F, 0x053061, 0xCCCCCC} <= found  # ends of RdBu_r, and 0.8


def test_cells_of_a_large_heat_map_have_no_text() -> None:
    def drawn(count: int, text: str) -> bytes:
        names = [f"m{number}" for number in range(count)]
        return heat_map(names, names, np.zeros((count, count)), [[text] * count] * count, bar="votes", limits=(0, 1))

    assert drawn(3, "1") != drawn(3, "2")
    assert drawn(25, "1") == drawn(25, "2")
