"""Matrix products with weights in 8-bit floating point (FP8): forward and d-input in FP8, d-weight in the type of the inputs."""

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

FORWARD, GRADIENT = jnp.dtype(jnp.float8_e4m3fn), jnp.dtype(jnp.float8_e5m2)
"""Activations and weights need the longer significand, gradients the wider range (Micikevicius et al. 2022)."""

LARGEST = {FORWARD: 448.0, GRADIENT: 57_344.0}
"""Largest finite numbers."""

_LARGEST_SHIFT = 63  # the product of two scales is a normal number in float32 and bfloat16


def fp8_matmul(x: jax.Array, weights: Sequence[jax.Array], axes: int) -> Sequence[jax.Array]:
    """`jnp.tensordot(x, weight, axes)` for each weight, in FP8: [..., *I] and [*I, *O] to [..., *O], I being `axes` dims.

    The products are of e4m3 numbers, d-input is that of the gradient in e5m2 and the weight in e4m3, and d-weight a product in the type
    of x, which the weights and all results have too. Each tensor is scaled as a whole when it is cast, by the largest power of two that
    its largest magnitude allows: there is no state, and every scale is exact. On a mesh that magnitude is of the tensor over all devices,
    and weights that devices share are gathered in FP8. Where it is not finite, or above 4e21, the result is NaN.

    What is gained, on GPUs with FP8 units (Hopper and later), is up to twice the speed in two of the three products, by prediction a fifth
    to three tenths of an 8B's training speed; memory is not. Those units hold fewer bits of a sum than float32 does: the product is left
    to them (`Precision.DEFAULT`), but partial sums of d-input are added in float32 (`Precision.HIGHEST`), as in Transformer Engine.
    Elsewhere XLA widens the operands, which is slower than no FP8, for the same numbers.
    """
    return _matmul(x, tuple(weights), axes)


class Scaled(NamedTuple):
    """A tensor x in FP8: `values * inverse_scale` is x, rounded."""

    values: jax.Array
    """x times a power of two, in FP8, shaped as x."""
    inverse_scale: jax.Array
    """One over that power, float32[]."""


def quantise(x: jax.Array, dtype: jnp.dtype) -> Scaled:
    """x times the largest power of two, 2^63 at the most, that leaves its largest magnitude finite in `dtype`; NaN where there is none."""
    limit, limit_exponent = math.frexp(LARGEST[dtype])
    largest = jnp.max(jnp.abs(x)).astype(jnp.float32)
    fraction, exponent = jnp.frexp(largest)
    shift = limit_exponent - exponent - (fraction > limit)
    scale = jnp.ldexp(jnp.float32(1), jnp.minimum(shift, _LARGEST_SHIFT))
    scale = jnp.where(jnp.isfinite(largest) & (shift >= -_LARGEST_SHIFT), scale, jnp.nan)
    return Scaled((x * scale.astype(x.dtype)).astype(dtype), 1 / scale)


type _Weights = tuple[jax.Array, ...]
type _Dims = tuple[tuple[int, ...], tuple[int, ...]]


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _matmul(x: jax.Array, weights: _Weights, axes: int) -> _Weights:
    return _forward(x, weights, axes)[0]


def _forward(x: jax.Array, weights: _Weights, axes: int) -> tuple[_Weights, tuple[jax.Array, tuple[Scaled, ...]]]:
    scaled, scaled_weights = quantise(x, FORWARD), tuple(quantise(weight, FORWARD) for weight in weights)
    contracted = tuple(range(x.ndim - axes, x.ndim)), tuple(range(axes))
    return tuple(
        _product(scaled, weight, contracted, x.dtype, jax.lax.Precision.DEFAULT) for weight in scaled_weights
    ), (x, scaled_weights)


def _backward(
    axes: int, saved: tuple[jax.Array, tuple[Scaled, ...]], gradients: _Weights
) -> tuple[jax.Array, _Weights]:
    x, weights = saved
    rows = tuple(range(x.ndim - axes))
    d_inputs = []
    for weight, gradient in zip(weights, gradients, strict=True):
        contracted = tuple(range(len(rows), gradient.ndim)), tuple(range(axes, weight.values.ndim))
        d_inputs.append(_product(quantise(gradient, GRADIENT), weight, contracted, x.dtype, jax.lax.Precision.HIGHEST))
    return sum(d_inputs[1:], d_inputs[0]), tuple(jnp.tensordot(x, gradient, (rows, rows)) for gradient in gradients)


_matmul.defvjp(_forward, _backward)


def _product(a: Scaled, b: Scaled, contracted: _Dims, dtype: jnp.dtype, precision: jax.lax.Precision) -> jax.Array:
    """Rounded to its type before it is unscaled, which is exact; one scalar is what cuBLASLt and Triton take into the kernel."""
    product = jax.lax.dot_general(
        a.values, b.values, (contracted, ((), ())), precision=precision, preferred_element_type=dtype
    )
    return product * (a.inverse_scale * b.inverse_scale).astype(dtype)
