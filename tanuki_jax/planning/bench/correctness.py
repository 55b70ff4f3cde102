"""Errors of a result against the reference."""

import functools

import jax
import jax.numpy as jnp

from tanuki_jax.planning.bench.bench_results import Wrong

TOLERANCE = 0.05
"""Largest relative error of a row. bfloat16 gives about 0.01; a row that sees a token of another document, about 1."""


@functools.partial(jax.jit)
def worst_row(result: jax.Array, expected: jax.Array) -> jax.Array:
    """Return the largest error of a row (a vector along the last axis), relative to its norm or, if larger, rms norm.

    NaN if any value is NaN.
    """
    expected, result = expected.astype(jnp.float32), result.astype(jnp.float32)
    error = jnp.sqrt(jnp.sum(jnp.square(result - expected), axis=-1))
    length = jnp.sqrt(jnp.sum(jnp.square(expected), axis=-1))
    typical = jnp.sqrt(jnp.mean(jnp.square(length)))
    return jnp.max(error / jnp.maximum(jnp.maximum(length, typical), 1e-30))


def check(results: tuple[jax.Array, ...], expected: tuple[jax.Array, ...], names: tuple[str, ...]) -> float:
    """Return the largest error of a row of any array. Raise Wrong with the array's name if it exceeds the tolerance."""
    worst = 0.0
    for result, reference, name in zip(results, expected, names, strict=True):
        error = float(worst_row(result, reference))
        if not error <= TOLERANCE:  # also true for NaN
            raise Wrong(f"{name} has a row with a relative error of {error:.2g}, more than {TOLERANCE}")
        worst = max(worst, error)
    return worst


def relative(value: float, expected: float) -> float:
    """Return the relative difference of two numbers."""
    return abs(value - expected) / max(abs(expected), 1e-30)
