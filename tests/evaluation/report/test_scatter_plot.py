"""Names of points are placed beside them, and do not hide each other."""

import io
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanuki_jax.evaluation.report.scatter_plot import Box, Dot, places, scatter, scatter_figure

FRAME = Box(0, 0, 800, 500)
coordinates = st.tuples(st.floats(50, 750), st.floats(50, 450))


def test_names_of_near_points_do_not_overlap() -> None:
    points = [(400.0, 250.0), (400.0, 258.0), (409.0, 248.0), (415.0, 250.0)]
    boxes = places(points, [(120.0, 12.0)] * 4, FRAME)
    assert all(one.overlap(other) == 0 for one, other in itertools.combinations(boxes, 2))
    assert not any(box.left < x < box.right and box.bottom < y < box.top for box in boxes for x, y in points)


def test_a_lone_point_has_its_name_to_the_right() -> None:
    [box] = places([(400.0, 250.0)], [(100.0, 12.0)], FRAME)
    assert (box.left, (box.bottom + box.top) / 2) == (408, 250)


def test_a_name_stays_inside_the_frame() -> None:
    [box] = places([(790.0, 250.0)], [(100.0, 12.0)], FRAME)
    assert box.right < 790


@settings(max_examples=50)
@given(st.lists(coordinates, min_size=1, max_size=12))
def test_every_name_has_its_size_and_is_near_its_point(points: list[tuple[float, float]]) -> None:
    boxes = places(points, [(90.0, 12.0)] * len(points), FRAME)
    for (x, y), box in zip(points, boxes, strict=True):
        assert [box.right - box.left, box.top - box.bottom] == pytest.approx([90, 12])
        assert abs((box.left + box.right) / 2 - x) <= 45 + 60.01
        assert abs((box.bottom + box.top) / 2 - y) <= 6 + 60.01


def test_names_are_drawn_beside_their_points() -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    dots = [Dot("one", 280, 4.9), Dot("two", 6_000, 4.8), Dot("three", 2_400, 5.3)]
    figure = scatter_figure("x", "y", dots)
    FigureCanvasAgg(figure).draw()  # type: ignore[no-untyped-call]
    [axes] = figure.axes
    for dot, text in zip(dots, axes.texts, strict=True):
        x, y = axes.transData.transform((dot.x, dot.y))
        extent = text.get_window_extent()
        assert extent.x0 - 20 < x < extent.x1 + 20 and extent.y0 - 20 < y < extent.y1 + 20, dot.name


def test_a_picture_is_drawn_of_one_point_and_of_equal_ones() -> None:
    from matplotlib.image import imread

    for dots in ([Dot("a", 1, 1)], [Dot("a", 1, 1), Dot("b", 1, 2, "run"), Dot("c" * 60, 1, 2, "left out")]):
        picture = imread(io.BytesIO(scatter("x", "y", dots)), format="png")
        assert picture.shape[:2] == (672, 960)
