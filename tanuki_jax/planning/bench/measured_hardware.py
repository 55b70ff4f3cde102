"""What a report of this machine says of the shares of the vendor's rates that its devices reach, for the predictions of `plan`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.hardware import Hardware, find, with_measured, write
from tanuki_jax.planning.bench import bench_report as report
from tanuki_jax.planning.bench.bench_results import Result

BOTH = "forward + backward"
KERNELS = {
    "attention": ("attention", "tanuki_jax", ("one document", "T 8192", "D 128", BOTH), 1.0),
    "grouped_matmul": ("grouped-matmul", "tanuki_jax", ("balanced", "all three"), 1.0),
    "cross_entropy": ("cross-entropy", "tanuki_jax", ("100% of weight one", BOTH), 4 / 3),
}
"""For an efficiency: benchmark, variant and words of the case that show it, and FLOPs done for each that the benchmark counts, since the
loss computes its logits twice."""


def keep(path: Path, hardware: str, out: Path) -> dict[str, tuple[float, str]]:
    """Writes a hardware file with what was measured, and returns that.

    Args:
        path: what `bench all --json` wrote.
        hardware: a name or a file, as `plan --target` takes them without numbers; figures that were not measured stay.
        out: the file.

    Raises:
        InputError: nothing in the report says anything of it, or there is more than the vendor's figure allows.
    """
    results, about = report.read(path)
    before = find(hardware)
    found = shares(results, about, before)
    if not found:
        raise InputError(f"{path} has no measurement that a hardware file has a place for")
    write(with_measured(before, found), out)
    return found


def shares(results: Sequence[Result], about: Mapping[str, Any], hardware: Hardware) -> dict[str, tuple[float, str]]:
    """Efficiencies by name: the share of the vendor's peak, and how it was measured."""
    where = f"one {about.get('device')}, jax {about.get('versions', {}).get('jax')}, {about.get('date')}"
    found: dict[str, tuple[float, str]] = {}
    if ceiling := max((result.ceiling for result in results), default=0.0):
        found["matmul"] = ceiling / hardware.peak_flops, f"a large product in bfloat16 on random data, {where}"
    for name, (benchmark, variant, words, done) in KERNELS.items():
        rates = [
            (result.figures.flops * done / result.figures.timing.median, result)
            for result in results
            if result.figures
            and result.benchmark == benchmark
            and result.variant.startswith(variant)
            and all(w in result.case for w in words)
        ]
        if rates:
            rate, result = max(rates, key=lambda pair: pair[0])
            found[name] = rate / hardware.peak_flops, f"{result.variant}, {result.case}, {where}"
    return found
