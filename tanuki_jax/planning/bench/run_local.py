"""Measures in this process and shows what comes of it."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import rich.console

from tanuki_jax.config.experiment import Experiment
from tanuki_jax.planning.bench import attention
from tanuki_jax.planning.bench import bench_report as report
from tanuki_jax.planning.bench import step_timing as steps
from tanuki_jax.planning.bench.bench_results import Measurement, Result, take
from tanuki_jax.planning.bench.sizes import SIZES, Sizes
from tanuki_jax.planning.bench.suites import PARTS, machine
from tanuki_jax.planning.bench.timed_program import ceiling, take_device

WIDTH = 200
"""Columns of a table that no terminal limits."""


def measure(benchmark: str, sizes: Sizes) -> list[Result]:
    """All of one benchmark."""
    return attention.compared(_take(PARTS[benchmark](sizes), sizes))


def measure_steps(
    experiment: Experiment, layers: Sequence[int], rows: Sequence[int], document: int, policies: Sequence[str]
) -> list[Result]:
    """Steps of an experiment at one depth, or at two and at its own by extrapolation; of all policies if none is named."""
    rows = rows or (steps.rows_of(experiment),)
    results = _take(steps.measurements(experiment, layers, rows, document, policies), SIZES["full"])
    return results + steps.extrapolated(results, experiment, layers, rows)


def _take(measurements: Iterable[Measurement], sizes: Sizes) -> list[Result]:
    take_device()
    fastest, results = ceiling(sizes.matmul), []
    for measurement in measurements:
        print(" | ".join(measurement.key), file=sys.stderr, flush=True)
        results.append(take(measurement, sizes.seconds, fastest))
    return results


def show(results: Sequence[Result], json: str = "", plot: str = "") -> None:
    """Prints a table a benchmark, and writes the files that are asked for."""
    console = rich.console.Console(width=None if sys.stdout.isatty() else WIDTH)
    for benchmark in dict.fromkeys(result.benchmark for result in results):
        console.print(report.table(benchmark, [result for result in results if result.benchmark == benchmark]))
    if json:
        report.write(Path(json), results, machine())
    if plot:
        report.plot(Path(plot), results)
