"""The number of requests that an endpoint gets at a time."""

import itertools
import random

from tanuki_jax.client.concurrency import Concurrency


def after(concurrency: Concurrency, rounds: int, share: float) -> float:
    """Return the limit after rounds in which a share of the answers, at random, are overloads."""
    generator = random.Random(0)
    for _ in range(rounds):
        for _ in range(int(concurrency.limit)):
            concurrency.answered(overloaded=generator.random() < share)
    return concurrency.limit


def test_the_limit_doubles_until_the_first_overload() -> None:
    concurrency = Concurrency(1000)
    limits = [after(concurrency, 1, 0.0) for _ in range(6)]
    assert limits[0] >= 32
    assert limits[-1] == 1000
    assert all(later >= min(2 * before, 1000) for before, later in itertools.pairwise(limits))


def test_an_endpoint_that_only_refuses_is_halved_each_round_down_to_one() -> None:
    concurrency = Concurrency(64, start=64)
    assert [after(concurrency, 1, 1.0) for _ in range(7)] == [32, 16, 8, 4, 2, 1, 1]


def test_faults_at_random_leave_most_of_the_limit() -> None:
    assert after(Concurrency(1000), 200, 0.02) > 900
    assert after(Concurrency(1000), 200, 0.08) > 350


def test_after_an_overload_the_limit_grows_by_steps_to_the_most() -> None:
    concurrency = Concurrency(100, start=100)
    low = after(concurrency, 5, 1.0)
    assert after(concurrency, 1, 0.0) == low + 2
    assert after(concurrency, 60, 0.0) == 100


def test_an_endpoint_with_a_capacity_settles_near_it() -> None:
    concurrency, seen = Concurrency(500), []
    for _ in range(300):
        sent = int(concurrency.limit)
        for index in range(sent):
            concurrency.answered(overloaded=index >= 100)  # it bears 100 at a time
        seen.append(sent)
    assert 90 < sum(seen[100:]) / 200 < 160


def test_the_limit_is_never_below_one_or_above_the_most() -> None:
    concurrency = Concurrency(3)
    assert concurrency.limit == 3
    assert after(concurrency, 50, 1.0) == 1
    assert after(concurrency, 50, 0.0) == 3
