"""Measures one suite in a process of its own, which `run_all` starts and, if necessary, kills.

python -m tanuki_jax.planning.bench.suite_worker SUITE SIZES first|rest JOURNAL SECONDS
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from tanuki_jax.base.command import enter
from tanuki_jax.lm.kernels.devices import reserve_memory
from tanuki_jax.planning.bench.bench_results import Measurement, Result, take
from tanuki_jax.planning.bench.journal import Journal
from tanuki_jax.planning.bench.sizes import SIZES
from tanuki_jax.planning.bench.suites import SUITES, machine
from tanuki_jax.planning.bench.timed_program import ceiling, usable

OUT_OF_TIME = 3
"""Exit code if the time limit leaves measurements undone."""
BROKEN = 4
"""Exit code if a kernel has made the device unusable for this process; another process can continue."""
EXPECTED_SECONDS = 20.0
"""Time that the first measurement is expected to take."""


def main(
    words: list[str],
    *,
    take: Callable[[Measurement, float, float], Result] = take,
    usable: Callable[[], bool] = usable,
) -> None:
    """Measure what the journal lacks of a suite. `take` and `usable` can be replaced in tests."""
    suite, name, which, path, seconds = words
    deadline = time.monotonic() + float(seconds)
    reserve_memory()
    journal, sizes = Journal(Path(path)), SIZES[name]
    done = {(result.benchmark, result.case, result.variant) for result in journal.results}
    left = [each for each in SUITES[suite](sizes) if each.first == (which == "first") and each.labels not in done]
    if not left:
        return
    journal.open({"sizes": name} | machine())
    fastest = ceiling(sizes.matmul)
    for measurement in left:
        if deadline - time.monotonic() < max(journal.longest_seconds, EXPECTED_SECONDS if name == "full" else 0.0):
            sys.exit(OUT_OF_TIME)
        journal.start(measurement.labels)
        start = time.monotonic()
        result = take(measurement, sizes.seconds, fastest)
        journal.finish(result, time.monotonic() - start)
        print(f"{' | '.join(measurement.labels)}: {result.outcome} {result.detail}".rstrip(), flush=True)
        if result.outcome == "failed" and not usable():
            sys.exit(BROKEN)


if __name__ == "__main__":
    enter("bench", main)
