"""Battles that cannot be rated are refused with the reason."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.ratings.win_graph import check_connected, listing, reachable


def table(count: int, wins: set[tuple[int, int]]) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    won = np.zeros((count, count), bool)
    for winner, loser in wins:
        won[winner, loser] = True
    return won


@given(st.integers(2, 9).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.tuples(*[st.integers(0, n - 1)] * 2)))))
def test_models_reach_those_that_a_walk_reaches(case: tuple[int, set[tuple[int, int]]]) -> None:
    count, wins = case
    paths = reachable(table(count, wins))
    for start in range(count):
        seen, waiting = {start}, [start]
        while waiting:
            here = waiting.pop()
            fresh = {loser for winner, loser in wins if winner == here} - seen
            seen |= fresh
            waiting += fresh
        assert set(np.flatnonzero(paths[start]).tolist()) == seen


def test_a_ring_of_wins_can_be_rated() -> None:
    check_connected(table(3, {(0, 1), (1, 2), (2, 0)}), "abc")


@pytest.mark.parametrize(
    ("wins", "message"),
    [
        ({(0, 1), (1, 0), (2, 3), (3, 2)}, r"2 groups that never met each other \(a, b; c, d\)"),
        ({(0, 1), (1, 2), (2, 3), (3, 1)}, "^a never lost to or tied with any of the others, .* leave it out$"),
        ({(0, 1), (1, 0), (1, 2), (2, 0), (0, 3)}, "^d never won against or tied with any of the others"),
        ({(0, 1), (1, 0), (2, 3), (3, 2), (0, 2)}, "^a, b never lost to or tied with .* leave them out$"),
    ],
)
def test_the_models_at_fault_are_named(wins: set[tuple[int, int]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_connected(table(4, wins), "abcd")


def test_long_lists_are_cut() -> None:
    assert listing("abcde") == "a, b, c, d, e" and listing("abcdefg") == "a, b, c, d, e and 2 more"
