"""Figures by name that a sweep compares, from a plan or from the metrics of a run."""

from collections.abc import Iterable, Mapping
from typing import Any

from tanuki_jax.planning.plan.plan_results import GIB, Plan


def plan_figures(plan: Plan) -> dict[str, float | str]:
    """Return the figures of a plan.

    `tflops` are model TFLOP/s of a device. `issued_tflops` include recomputation, as counters of other trainers do, but
    not the idle rounds of a pipeline. `needed_gib` is the peak plus the margin.
    """
    device_seconds, memory = plan.seconds * plan.devices, plan.memory
    return {
        "tflops": plan.model_flops / device_seconds / 1e12,
        "issued_tflops": plan.issued_flops * (1 - plan.bubble) / device_seconds / 1e12,
        "mfu": plan.mfu,
        "tokens_per_second_per_device": plan.tokens_per_second,
        "step_seconds": plan.seconds,
        "needed_gib": memory.needed / GIB,
        "peak_gib": memory.peak / GIB,
        "free_gib": memory.free / GIB,
        "bubble": plan.bubble,
        "bound": plan.bound.name,
        "compile_seconds": plan.compile_seconds,
    }


PLAN_FIGURES = (
    "tflops",
    "issued_tflops",
    "mfu",
    "tokens_per_second_per_device",
    "step_seconds",
    "needed_gib",
    "peak_gib",
    "free_gib",
    "bubble",
)
"""Figures of plans that can be the objective of a sweep."""


def metric_figures(lines: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Return the last value of every numeric metric of a run."""
    last: dict[str, float] = {}
    for line in lines:
        last |= {
            name: value
            for name, value in line.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }
    return last
