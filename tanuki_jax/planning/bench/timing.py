"""A clock for programs that run asynchronously: runs are timed in batches, each batch waited for once."""

import dataclasses
import math
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

WARM_UPS = 2
BATCH_SECONDS = 0.02
"""Shortest time of a batch: long enough to hide the dispatch of its runs and to make the wait negligible."""
LARGEST_BATCH = 100
FEWEST_SAMPLES, MOST_SAMPLES = 5, 50


@dataclasses.dataclass(frozen=True)
class Timing:
    """Seconds of one run."""

    median: float
    low: float
    """10th percentile."""
    high: float
    """90th percentile."""
    runs: int
    """Number of timed runs."""


def clock(
    run: Callable[[], Any],
    seconds: float,
    *,
    wait: Callable[[Any], Any] = jax.block_until_ready,
    now: Callable[[], float] = time.perf_counter,
) -> Timing:
    """Time `run` for about `seconds` after a warm-up.

    A sample is the time of a batch of runs divided by their number; a batch has enough runs to take `BATCH_SECONDS`.

    Args:
        run: starts the work and returns what `wait` waits for.
        seconds: time to spend; at least `FEWEST_SAMPLES` batches are timed.
        wait: blocks until the result of a run, and so of all earlier runs, is ready.
        now: a clock, in seconds.
    """

    def batch(runs: int) -> float:
        start = now()
        result = None
        for _ in range(runs):
            result = run()
        wait(result)
        return (now() - start) / runs

    for _ in range(WARM_UPS):
        once = batch(1)
    runs = min(LARGEST_BATCH, max(1, math.ceil(BATCH_SECONDS / max(once, 1e-9))))
    samples = min(MOST_SAMPLES, max(FEWEST_SAMPLES, round(seconds / max(runs * once, 1e-9))))
    return summarise([batch(runs) for _ in range(samples)], runs)


def summarise(samples: list[float], runs: int = 1) -> Timing:
    """Return the timing of samples, each the mean time of `runs` runs."""
    low, median, high = (float(value) for value in np.percentile(samples, [10, 50, 90]))
    return Timing(median, low, high, runs * len(samples))
