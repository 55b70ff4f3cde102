"""Takes the measurements of one part in a process of its own, which `everything` starts and, if it must, ends.

python -m tanuki_jax.planning.bench.suite_worker PART SIZES first|rest JOURNAL SECONDS
"""

import sys
import time
from pathlib import Path

from tanuki_jax.base.command import enter
from tanuki_jax.planning.bench.bench_results import take
from tanuki_jax.planning.bench.journal import Journal
from tanuki_jax.planning.bench.sizes import SIZES
from tanuki_jax.planning.bench.suites import PARTS, machine
from tanuki_jax.planning.bench.timed_program import ceiling, take_device, usable

OUT_OF_TIME = 3
"""Exit code where measurements are left for another time."""
BROKEN = 4
"""Exit code where a kernel left the device unusable for this process; another one goes on."""
USUAL = 20.0
"""Seconds that a measurement is thought to take before there has been one."""


def main(words: list[str]) -> None:
    part, name, which, path, seconds = words
    deadline = time.monotonic() + float(seconds)
    take_device()
    journal, sizes = Journal(Path(path)), SIZES[name]
    done = {(result.benchmark, result.case, result.variant) for result in journal.results}
    left = [each for each in PARTS[part](sizes) if each.first == (which == "first") and each.key not in done]
    if not left:
        return
    journal.open({"sizes": name} | machine())
    fastest = ceiling(sizes.matmul)
    for measurement in left:
        if deadline - time.monotonic() < max(journal.longest, USUAL if name == "full" else 0.0):
            sys.exit(OUT_OF_TIME)
        journal.begin(measurement.key)
        start = time.monotonic()
        result = take(measurement, sizes.seconds, fastest)
        journal.finish(result, time.monotonic() - start)
        print(f"{' | '.join(measurement.key)}: {result.outcome} {result.detail}".rstrip(), flush=True)
        if result.outcome == "failed" and not usable():
            sys.exit(BROKEN)


if __name__ == "__main__":
    enter("bench", main)
