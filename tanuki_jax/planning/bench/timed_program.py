"""A program that is compiled, checked against a reference, and then timed."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from tanuki_jax.planning.bench.bench_results import Figures
from tanuki_jax.planning.bench.timing import clock


def measure(
    run: Callable[..., Any], arguments: tuple[Any, ...], check: Callable[[Any], float], seconds: float, **counts: Any
) -> Figures:
    """Compile, check and time `jax.jit(run)(*arguments)`.

    Args:
        run: the function.
        arguments: its arguments.
        check: takes the result; returns its error, or raises `Wrong`, and then nothing is timed.
        seconds: time to spend on the clock.
        counts: useful `flops` and `tokens` of a run.
    """
    compiled = jax.jit(run).lower(*arguments).compile()
    before = device_peak()
    error = check(jax.block_until_ready(compiled(*arguments)))
    timing = clock(lambda: compiled(*arguments), seconds)
    return Figures(timing=timing, error=error, **counts, **memory(compiled), device_peak_bytes=raised_peak(before))


def memory(compiled: Any) -> dict[str, Any]:
    """Return the compiler's memory figures of a program, under their names in `Figures`."""
    analysis = compiled.memory_analysis()
    if analysis is None:
        return {}
    # An aliased output shares the buffer of its argument.
    held = analysis.argument_size_in_bytes + analysis.output_size_in_bytes - analysis.alias_size_in_bytes
    peak = max(analysis.peak_memory_in_bytes, held)
    moved = analysis.argument_size_in_bytes + analysis.output_size_in_bytes
    return {"moved_bytes": moved, "temporary_bytes": analysis.temp_size_in_bytes, "peak_bytes": peak}


def device_peak() -> int:
    """Return the peak memory of this process on the device, in bytes; 0 if the device does not report it."""
    stats = jax.devices()[0].memory_stats() or {}
    return int(stats.get("peak_bytes_in_use", 0))


def raised_peak(before: int) -> int:
    """Return the current peak memory if it is above `before`, else 0."""
    now = device_peak()
    return now if now > before else 0


@functools.cache
def ceiling(side: int) -> float:
    """Return the FLOP/s of a bfloat16 product of two random `side` x `side` matrices, the reference for all speeds."""
    keys = jax.random.split(jax.random.key(0))
    left, right = (jax.random.normal(key, (side, side), jnp.bfloat16) for key in keys)
    multiply = jax.jit(jnp.matmul).lower(left, right).compile()
    return 2 * side**3 / clock(lambda: multiply(left, right), 0.5 if side >= 4096 else 0.02).median


def usable() -> bool:
    """Whether the device still computes: after an illegal memory access it no longer does in this process."""
    try:
        return int(jnp.arange(3).sum()) == 3
    except jax.errors.JaxRuntimeError:
        return False
