import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tanuki_jax.data.packing import Plan
from tanuki_jax.data.plan_cache import PLANS_IN_USE, PlanCache


def plan_of(rows: int) -> Plan:
    empty = np.empty(0, np.int64)
    return Plan(np.zeros(rows + 1, np.int64), empty, empty, empty.astype(np.int32))


class Maker:
    """Function that makes plans of three rows and counts how often it made each."""

    def __init__(self) -> None:
        self.made: Counter[tuple[str, int]] = Counter()

    def __call__(self, source: str, epoch: int) -> Plan:
        self.made[source, epoch] += 1
        time.sleep(0.02)
        return plan_of(3)


def test_a_plan_is_made_once_however_many_threads_request_it() -> None:
    make = Maker()
    cache = PlanCache(make)
    with ThreadPoolExecutor(8) as threads:
        plans = list(threads.map(lambda n: cache.get("a", n % 3), range(60)))
    assert make.made == {("a", epoch): 1 for epoch in range(3)}
    assert all(plan is plans[n % 3] for n, plan in enumerate(plans))


def test_a_requested_plan_is_made_before_it_is_read() -> None:
    make = Maker()
    cache = PlanCache(make)
    future = cache.request("a", 1)
    assert future.result(10) is cache.get("a", 1)
    assert make.made == {("a", 1): 1}


def test_the_plans_of_a_source_that_were_used_last_are_kept() -> None:
    make = Maker()
    cache = PlanCache(make)
    cache.get("b", 0)
    for epoch in range(PLANS_IN_USE):
        cache.get("a", epoch)
    cache.get("a", 0)
    cache.get("a", PLANS_IN_USE)
    for epoch in (0, *range(2, PLANS_IN_USE + 1)):
        cache.get("a", epoch)
    cache.get("b", 0)
    assert set(make.made.values()) == {1}
    cache.get("a", 1)
    assert make.made["a", 1] == 2


def test_an_error_reaches_every_reader() -> None:
    def fail(source: str, epoch: int) -> Plan:
        raise OSError("the disk is gone")

    cache = PlanCache(fail)
    for _ in range(2):
        with pytest.raises(OSError, match="the disk is gone"):
            cache.get("a", 0)
