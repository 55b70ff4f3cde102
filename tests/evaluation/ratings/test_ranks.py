"""Ranks with ties."""

from tanuki_jax.evaluation.ratings.ranks import Rank, ranks


def test_models_whose_intervals_overlap_share_a_rank() -> None:
    intervals = {"d": (10.0, 20.0), "a": (90.0, 110.0), "b": (80.0, 95.0), "c": (19.0, 85.0)}
    assert ranks(intervals) == {"a": Rank(1, 2), "b": Rank(1, 3), "c": Rank(2, 4), "d": Rank(3, 4)}
    assert list(ranks(intervals)) == ["a", "b", "c", "d"]


def test_an_open_interval_takes_no_rank_from_others() -> None:
    found = ranks({"a": (5.0, 6.0), "b": (1.0, 2.0), "new": (float("-inf"), float("inf"))})
    assert found == {"a": Rank(1, 2), "new": Rank(1, 3), "b": Rank(2, 3)}


def test_touching_intervals_overlap() -> None:
    assert ranks({"a": (2.0, 3.0), "b": (1.0, 2.0)}) == {"a": Rank(1, 2), "b": Rank(1, 2)}
