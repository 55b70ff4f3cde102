"""Picture of a search: its frontier, and that it is drawn with and without layouts that fit."""

from pathlib import Path

import matplotlib.image
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.planning.plan.layouts import Candidate
from tanuki_jax.planning.plan.search_picture import draw, frontier, points
from tests.planning.plan.test_search_report import LAYOUT, TINY, planned


def test_no_layout_is_faster_and_smaller_than_one_of_the_frontier() -> None:
    slow_and_small, fast_and_large, between = planned(4.0, 10.0), planned(1.0, 70.0), planned(2.0, 30.0)
    beaten, same_size, outside = planned(3.0, 40.0), planned(5.0, 10.0), planned(0.5, 90.0)
    candidates = [fast_and_large, same_size, beaten, slow_and_small, outside, between]
    assert [point.candidate for point in frontier(points(candidates))] == [slow_and_small, between, fast_and_large]


@pytest.mark.parametrize(
    "candidates",
    [
        [
            planned(1.0, 70.0),
            planned(2.0, 30.0),
            planned(0.5, 400.0),
            Candidate(layout=LAYOUT, verdict="failed", reason="no"),
        ],
        [planned(0.5, 90.0)],
        [planned(seconds, 60.0 - seconds) for seconds in range(1, 20)],
    ],
)
def test_it_is_drawn_with_and_without_a_frontier(candidates: list[Candidate], tmp_path: Path) -> None:
    path = tmp_path / "pictures" / "search.png"
    draw(path, TINY, "cpu:1x8", candidates)
    assert matplotlib.image.imread(path).shape == (780, 1560, 4)
    assert [each.name for each in path.parent.iterdir()] == ["search.png"]


def test_a_search_without_a_plan_is_not_drawn(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no layout of tiny on cpu:1x8 could be planned"):
        draw(tmp_path / "search.png", TINY, "cpu:1x8", [Candidate(layout=LAYOUT, verdict="failed", reason="no")])
