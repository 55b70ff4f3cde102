"""Measurements in this process, and how results are shown."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import rich.console

from tanuki_jax.config.experiment import Experiment
from tanuki_jax.lm.kernels.devices import reserve_memory
from tanuki_jax.planning.bench import bench_report, step_timing
from tanuki_jax.planning.bench.attention import with_cudnn_shares
from tanuki_jax.planning.bench.bench_results import Measurement, Result, take
from tanuki_jax.planning.bench.sizes import SIZES, Sizes
from tanuki_jax.planning.bench.suites import SUITES, machine
from tanuki_jax.planning.bench.timed_program import ceiling

WIDTH = 200
"""Columns of a table where the output is not a terminal."""


def measure(benchmark: str, sizes: Sizes) -> list[Result]:
    """Measure all cases and variants of one benchmark."""
    return with_cudnn_shares(_take(SUITES[benchmark](sizes), sizes))


def measure_steps(
    experiment: Experiment, layers: Sequence[int], rows: Sequence[int], document: int, policies: Sequence[str]
) -> list[Result]:
    """Measure steps of an experiment at one depth, or at two and extrapolated to its own depth."""
    rows = rows or (step_timing.default_rows(experiment),)
    results = _take(step_timing.measurements(experiment, layers, rows, document, policies), SIZES["full"])
    return results + step_timing.extrapolated(results, experiment, layers)


def _take(measurements: Iterable[Measurement], sizes: Sizes) -> list[Result]:
    reserve_memory()
    fastest, results = ceiling(sizes.matmul), []
    for measurement in measurements:
        print(" | ".join(measurement.labels), file=sys.stderr, flush=True)
        results.append(take(measurement, sizes.seconds, fastest))
    return results


def show(results: Sequence[Result], json: str = "", plot: str = "") -> None:
    """Print a table for each benchmark, and write the files that are named."""
    console = rich.console.Console(width=None if sys.stdout.isatty() else WIDTH)
    for benchmark in dict.fromkeys(result.benchmark for result in results):
        rows = [result for result in results if result.benchmark == benchmark]
        console.print(bench_report.table(benchmark, rows))
    if json:
        bench_report.write(Path(json), results, machine())
    if plot:
        bench_report.plot(Path(plot), results)
