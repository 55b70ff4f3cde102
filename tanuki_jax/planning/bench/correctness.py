"""How far a result is from the reference's."""

import functools

import jax
import jax.numpy as jnp

from tanuki_jax.planning.bench.bench_results import Wrong

TOLERANCE = 0.05
"""Largest relative error of a row. bfloat16 gives about a hundredth; a row that saw another document's token is off by its own size."""


@functools.partial(jax.jit)
def worst_row(got: jax.Array, expected: jax.Array) -> jax.Array:
    """Largest error of a row (a vector along the last axis) relative to that row, or to the typical row where that is longer.

    NaN where anything is NaN.
    """
    expected, got = expected.astype(jnp.float32), got.astype(jnp.float32)
    error = jnp.sqrt(jnp.sum(jnp.square(got - expected), axis=-1))
    length = jnp.sqrt(jnp.sum(jnp.square(expected), axis=-1))
    typical = jnp.sqrt(jnp.mean(jnp.square(length)))
    return jnp.max(error / jnp.maximum(jnp.maximum(length, typical), 1e-30))


def check(got: tuple[jax.Array, ...], expected: tuple[jax.Array, ...], names: tuple[str, ...]) -> float:
    """The worst row of any of the arrays. Raises Wrong, naming the array, where it exceeds the tolerance."""
    worst = 0.0
    for one, other, name in zip(got, expected, names, strict=True):
        error = float(worst_row(one, other))
        if not error <= TOLERANCE:  # so that NaN is wrong too
            raise Wrong(f"{name} has a row with a relative error of {error:.2g}, more than {TOLERANCE}")
        worst = max(worst, error)
    return worst


def relative(got: float, expected: float) -> float:
    """Relative difference of two numbers."""
    return abs(got - expected) / max(abs(expected), 1e-30)
