"""Places of models: by rating, and by intervals."""

import pytest

from tanuki_jax.evaluation.arena.board_places import places
from tanuki_jax.evaluation.ratings.bootstrap_ratings import Board, RatedModel


def board(**models: tuple[float, float, float]) -> Board:
    rated = {name: RatedModel(*spans, unbounded=0) for name, spans in models.items()}
    return Board("anchor", rated, (), "battle", 10, 0)


def test_overlapping_intervals_leave_several_ranks_open() -> None:
    found = places(board(a=(1200, 1150, 1250), b=(1140, 1100, 1180), c=(1000, 1000, 1000), d=(990, 900, 1080)))
    assert [(name, place.rank, *place.possible) for name, place in found.items()] == [
        ("a", 1, 1, 2),
        ("b", 2, 1, 2),
        ("c", 3, 3, 4),
        ("d", 4, 3, 4),
    ]


@pytest.mark.parametrize(("difference", "ranks"), [(1e-9, [1, 1, 3]), (1e-3, [1, 2, 3])])
def test_equal_ratings_share_a_rank(difference: float, ranks: list[int]) -> None:
    found = places(board(a=(1000 + difference, 900, 1100), b=(1000, 1000, 1000), c=(950, 900, 1000)))
    assert [place.rank for place in found.values()] == ranks
