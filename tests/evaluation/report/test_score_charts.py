"""Charts of scores by group are pictures, also where a score is missing."""

import io
import math

import numpy as np
from matplotlib.image import imread

from tanuki_jax.evaluation.report.score_charts import level_bars, radar_chart


def colours(png: bytes) -> int:
    """Return the number of different colours of a picture."""
    pixels = (255 * imread(io.BytesIO(png), format="png")).astype(int) @ [1 << 24, 1 << 16, 1 << 8, 1]
    return len(np.unique(pixels))


def test_a_radar_chart_has_a_line_for_each_run() -> None:
    categories = ["writing", "数学", "coding"]
    one = radar_chart(categories, {"a": [5, 6, 7]}, 10)
    two = radar_chart(categories, {"a": [5, 6, 7], "b": [1, math.nan, 2]}, 10)
    assert colours(two) > colours(one) > 10


def test_bars_are_drawn_for_levels_without_a_score() -> None:
    missing = (math.nan, math.nan, math.nan)
    full = level_bars(["middle", "high"], {"a": [(0.5, 0.4, 0.6), (0.2, 0.1, 0.3)]}, "correct")
    gap = level_bars(["middle", "high"], {"a": [(0.5, 0.4, 0.6), missing]}, "correct")
    assert full != gap
