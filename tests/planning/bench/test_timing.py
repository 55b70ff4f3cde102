"""The clock: what it waits for, and its statistics."""

import numpy as np
import pytest

from tanuki_jax.planning.bench.timing import FEWEST_SAMPLES, LARGEST_BATCH, MOST_SAMPLES, WARM_UPS, clock, summarise


class Device:
    """A device that queues work at once; run n takes `costs[n]` seconds (the last value for all later runs)."""

    def __init__(self, *costs: float) -> None:
        self.costs = costs
        self.runs = self.waits = 0
        self.time = self.busy_until = 0.0

    def run(self) -> float:
        self.busy_until = max(self.busy_until, self.time) + self.costs[min(self.runs, len(self.costs) - 1)]
        self.runs += 1
        return self.busy_until

    def wait(self, until: float) -> None:
        self.waits += 1
        self.time = max(self.time, until)

    def now(self) -> float:
        return self.time


def test_the_time_of_a_run_is_the_devices_not_that_of_queueing() -> None:
    device = Device(3.0)
    timing = clock(device.run, 1.0, wait=device.wait, now=device.now)
    assert timing.median == timing.low == timing.high == pytest.approx(3.0)
    assert timing.runs == FEWEST_SAMPLES


def test_warm_up_does_not_count() -> None:
    device = Device(*[100.0] * WARM_UPS, 1.0)
    timing = clock(device.run, 5.0, wait=device.wait, now=device.now)
    assert timing.high == pytest.approx(1.0)


def test_short_runs_are_timed_in_batches() -> None:
    device = Device(1e-4)
    timing = clock(device.run, 1.0, wait=device.wait, now=device.now)
    assert device.waits == WARM_UPS + MOST_SAMPLES
    assert timing.runs == device.runs - WARM_UPS == MOST_SAMPLES * LARGEST_BATCH
    assert timing.median == pytest.approx(1e-4)


def test_low_and_high_are_the_tenth_and_ninetieth_percentile() -> None:
    samples = list(np.random.default_rng(0).permutation(np.arange(101.0)))
    timing = summarise(samples)
    assert (timing.low, timing.median, timing.high, timing.runs) == (10.0, 50.0, 90.0, 101)
