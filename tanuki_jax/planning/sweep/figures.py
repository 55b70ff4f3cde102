"""What a plan and a run's metrics give a sweep to compare, by name."""

from collections.abc import Iterable, Mapping
from typing import Any

from tanuki_jax.planning.plan.plan_results import GIB, Plan


def of_plan(plan: Plan) -> dict[str, float | str]:
    """The figures of a plan.

    `tflops` are a device's model TFLOP/s; `issued_tflops` have recomputation in them, as counters of other trainers do, but not the idle
    rounds of a pipeline. `needed_gib` is the peak and the margin above it.
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


OF_PLANS = (
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
"""Those of `of_plan` that a sweep may seek."""


def of_metrics(lines: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """The last value of everything in a run's metrics that is one number; empty where there are none."""
    last: dict[str, float] = {}
    for line in lines:
        last |= {
            name: value
            for name, value in line.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }
    return last
