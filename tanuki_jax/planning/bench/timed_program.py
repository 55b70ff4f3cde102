"""Compiles a program, checks what it gives, and only then times it."""

import functools
import os
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from tanuki_jax.planning.bench.bench_results import Figures
from tanuki_jax.planning.bench.timing import clock


def take_device() -> None:
    """Has jax use nearly all memory of a GPU, not three quarters of it, unless the environment says otherwise; before a device is used."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_MEM_FRACTION", "0.92")


def measure(
    run: Callable[..., Any], arguments: tuple[Any, ...], check: Callable[[Any], float], seconds: float, **counts: Any
) -> Figures:
    """Figures of `jax.jit(run)(*arguments)`, with the useful `flops` and `tokens` of a run among `counts`.

    `check` takes the result, and returns its error or raises `Wrong`; only then is the program timed.
    """
    compiled = jax.jit(run).lower(*arguments).compile()
    before = device_peak()
    error = check(jax.block_until_ready(compiled(*arguments)))
    timing = clock(lambda: compiled(*arguments), seconds)
    return Figures(timing=timing, error=error, **counts, **memory(compiled), device_peak_bytes=raised_peak(before))


def memory(compiled: Any) -> dict[str, Any]:
    """What the compiler says about a program's memory, by the names that `Figures` has for it."""
    said = compiled.memory_analysis()
    if said is None:
        return {}
    held = said.argument_size_in_bytes + said.output_size_in_bytes - said.alias_size_in_bytes
    peak = max(said.peak_memory_in_bytes, held)
    moved = said.argument_size_in_bytes + said.output_size_in_bytes
    return {"moved_bytes": moved, "temporary_bytes": said.temp_size_in_bytes, "peak_bytes": peak}


def device_peak() -> int:
    """Most bytes that this process has held on the device so far; 0 where the device does not tell."""
    stats = jax.devices()[0].memory_stats() or {}
    return int(stats.get("peak_bytes_in_use", 0))


def raised_peak(before: int) -> int:
    """The new peak, if it is above the one before."""
    now = device_peak()
    return now if now > before else 0


@functools.cache
def ceiling(side: int) -> float:
    """FLOP/s of a bfloat16 product of two random `side` x `side` matrices, the speed that all others are compared with."""
    keys = jax.random.split(jax.random.key(0))
    left, right = (jax.random.normal(key, (side, side), jnp.bfloat16) for key in keys)
    multiply = jax.jit(jnp.matmul).lower(left, right).compile()
    return 2 * side**3 / clock(lambda: multiply(left, right), 0.5 if side >= 4096 else 0.02).median


def usable() -> bool:
    """Whether the device still computes. After an illegal access it does not, in this process."""
    try:
        return int(jnp.arange(3).sum()) == 3
    except jax.errors.JaxRuntimeError:
        return False
