"""Backoff: full jitter, Retry-After, and the deadline."""

import math
import random

import hypothesis
import pytest
from hypothesis import strategies

from tanuki_jax.client.backoff import Backoff


def waits(failures: int, retry_after: float | None = None, left: float = 1e6) -> list[float]:
    backoff = Backoff(0.5, 30.0, random.Random(1))
    return [backoff.wait(failures, retry_after, left) for _ in range(2000)]


@pytest.mark.parametrize(("failures", "longest"), [(1, 0.5), (2, 1.0), (3, 2.0), (6, 16.0), (7, 30.0), (10**9, 30.0)])
def test_waits_are_uniform_from_zero_to_a_bound_that_doubles(failures: int, longest: float) -> None:
    seen = waits(failures)
    assert 0 <= min(seen) < 0.01 * longest
    assert 0.99 * longest < max(seen) <= longest
    assert sum(seen) / len(seen) == pytest.approx(longest / 2, rel=0.05)


def test_the_jitter_is_added_to_what_the_server_asks_for() -> None:
    assert 20 <= min(waits(1, 20.0)) < max(waits(1, 20.0)) <= 20.5


def test_the_same_seed_gives_the_same_waits() -> None:
    assert waits(3) == waits(3)


@hypothesis.given(strategies.floats(0, math.inf), strategies.floats(-10, 1e4), strategies.integers(1, 100))
def test_a_wait_leaves_half_of_the_time(retry_after: float, left: float, failures: int) -> None:
    wait = Backoff(0.5, 30.0, random.Random(0)).wait(failures, retry_after, left)
    assert wait == math.inf if left < 1 else 0 <= wait <= left / 2


@pytest.mark.parametrize("retry_after", [None, 0.0, 1e9])
def test_a_server_that_only_refuses_gets_no_burst_at_the_end(retry_after: float | None) -> None:
    """The last wait is one second or more before the deadline, so a request has few attempts in its last minute."""
    for seed in range(50):
        backoff, left, ends = Backoff(0.5, 30.0, random.Random(seed)), 3600.0, list[float]()
        while (wait := backoff.wait(len(ends) + 1, retry_after, left)) < math.inf:
            left -= wait
            ends.append(left)
        assert min(ends) > 0.2
        assert sum(end < 60 for end in ends) <= 30
        assert sum(end < 2 for end in ends) <= 6
