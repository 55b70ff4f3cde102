"""Charts of ratings over time."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.evaluation.arena.rating_curves import elo_chart, glicko_chart, thinned
from tanuki_jax.evaluation.ratings.online_ratings import elo, glicko2
from tests.evaluation.arena.made_votes import made_votes


@given(st.integers(1, 2_000), st.integers(1, 50))
def test_thinned_points_are_few_in_order_and_end_with_the_last(count: int, at_most: int) -> None:
    points = thinned(range(count), at_most)
    assert len(points) <= at_most and points[-1] == count - 1
    assert points == sorted(set(points))
    assert len({after - before for before, after in itertools.pairwise(points)}) <= 1
    if count <= at_most:
        assert points == list(range(count))


def test_charts_show_each_model() -> None:
    by_elo, by_glicko = elo(made_votes()), glicko2(made_votes())
    two = ("a", "b")
    assert elo_chart(by_elo) != elo_chart({model: by_elo[model] for model in two})
    assert glicko_chart(by_glicko) != glicko_chart({model: by_glicko[model] for model in two})
