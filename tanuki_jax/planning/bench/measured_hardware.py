"""Shares of the vendor's rates that a report measured on this machine, written to a hardware file for `plan`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.hardware import Hardware, find, with_measured, write
from tanuki_jax.planning.bench import bench_report
from tanuki_jax.planning.bench.bench_results import Key, Result, direction


class Kernel(NamedTuple):
    """Results that measure an efficiency."""

    benchmark: str
    key: Key
    executed: float = 1.0
    """FLOPs that the kernel executes for each useful one."""


OURS: Key = {"library": "tanuki_jax", "direction": direction(backward=True)}
KERNELS = {
    "attention": Kernel("attention", {**OURS, "rows": "one document", "time": 8192, "head_dim": 128}),
    "grouped_matmul": Kernel("grouped-matmul", {"library": "tanuki_jax", "load": "balanced", "products": "all three"}),
    # The loss computes its logits twice: four products for three useful ones.
    "cross_entropy": Kernel("cross-entropy", {**OURS, "counted_percent": 100}, executed=4 / 3),
}
"""Results by the name of the efficiency that they measure; the fastest one counts."""


def keep(path: Path, hardware: str, out: Path) -> dict[str, tuple[float, str]]:
    """Write a hardware file with the measured efficiencies, and return these with their source.

    Args:
        path: report of `bench all --json`.
        hardware: name or file, as `plan --target` takes it without numbers; its other figures are kept.
        out: the file.

    Raises:
        InputError: the report measures no efficiency, or one above the vendor's rate.
    """
    results, about = bench_report.read(path)
    before = find(hardware)
    measured = shares(results, about, before)
    if not measured:
        raise InputError(f"{path} has no measurement for a hardware file; measure again with `bench all`")
    write(with_measured(before, measured), out)
    return measured


def shares(results: Sequence[Result], about: Mapping[str, Any], hardware: Hardware) -> dict[str, tuple[float, str]]:
    """Return, by efficiency, the share of the vendor's peak and how it was measured."""
    machine = f"one {about.get('device')}, jax {about.get('versions', {}).get('jax')}, {about.get('date')}"
    measured: dict[str, tuple[float, str]] = {}
    if ceiling := max((result.ceiling for result in results), default=0.0):
        source = f"a large product in bfloat16 on random data, {machine}"
        measured["matmul"] = ceiling / hardware.peak_flops, source
    for name, kernel in KERNELS.items():
        rates = [
            (result.figures.flops * kernel.executed / result.figures.timing.median, result)
            for result in results
            if result.figures and result.matches(kernel.benchmark, kernel.key)
        ]
        if rates:
            rate, result = max(rates, key=lambda pair: pair[0])
            measured[name] = rate / hardware.peak_flops, f"{result.variant}, {result.case}, {machine}"
    return measured
