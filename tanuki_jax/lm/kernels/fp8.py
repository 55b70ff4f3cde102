"""Matrix products with weights in 8-bit floating point (FP8).

The product and the gradient of the inputs are computed in FP8, the gradient of the weights in the type of the inputs.
"""

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

FORWARD, GRADIENT = jnp.dtype(jnp.float8_e4m3fn), jnp.dtype(jnp.float8_e5m2)
"""Types of operands (Micikevicius et al. 2022): activations and weights need the longer significand, gradients the
wider range."""

LARGEST = {FORWARD: 448.0, GRADIENT: 57_344.0}
"""Largest finite number of each type."""

_LARGEST_SHIFT = 63  # the product of two scales is a normal number in float32 and bfloat16


def fp8_matmul(x: jax.Array, weights: Sequence[jax.Array], axes: int) -> Sequence[jax.Array]:
    """Compute `jnp.tensordot(x, weight, axes)` for each weight in FP8.

    x is [..., *I], a weight [*I, *O] and a result [..., *O], where I is `axes` dims.

    The product multiplies e4m3 numbers; d-input multiplies the gradient in e5m2 by the weight in e4m3; d-weight is a
    product in the type of x, which the weights and all results have too. Each tensor has one scale when it is cast, the
    largest power of two that its largest magnitude allows: there is no state, and every scale is exact. On a mesh that
    magnitude is over all devices, and weights that devices share are gathered in FP8. Where it is not finite, or above
    4e21, the result is NaN.

    On GPUs with FP8 units (Hopper and later) two of the three products are up to twice as fast, by prediction a fifth
    to three tenths of an 8B's training speed; memory is not saved. Those units hold fewer bits of a sum than float32
    does: the product is left to them (`Precision.DEFAULT`), but partial sums of d-input are added in float32
    (`Precision.HIGHEST`), as in Transformer Engine. Other devices get the same numbers, more slowly than without FP8,
    because XLA widens the operands.
    """
    return _matmul(x, tuple(weights), axes)


class Scaled(NamedTuple):
    """A tensor x in FP8: `values * inverse_scale` is x, rounded."""

    values: jax.Array
    """x times a power of two, in FP8, shaped as x."""
    inverse_scale: jax.Array
    """One over that power of two, float32[]."""


def quantise(x: jax.Array, dtype: jnp.dtype) -> Scaled:
    """Scale x by the largest power of two, at most 2^63, with which it is finite in `dtype`; NaN if none is."""
    # With largest = fraction 2^exponent and the type's limit = limit_fraction 2^limit_exponent, both fractions in [1/2,
    # 1), the scale 2^shift must satisfy fraction 2^(exponent + shift) <= limit: shift is the difference of the
    # exponents, less one if the fraction is greater than the limit's. A power of two changes no digit of x, so casting
    # is the only rounding, and so is undoing it exact.
    limit_fraction, limit_exponent = math.frexp(LARGEST[dtype])
    largest = jnp.max(jnp.abs(x)).astype(jnp.float32)
    fraction, exponent = jnp.frexp(largest)
    shift = limit_exponent - exponent - (fraction > limit_fraction)
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
    # The weights are saved in FP8, as the product needs them a second time; x is saved in its own type, for d-weight.
    # Each weight has its own gradient of the output, and x is shared, so its gradients are summed.
    x, weights = saved
    rows = tuple(range(x.ndim - axes))
    d_inputs = []
    for weight, gradient in zip(weights, gradients, strict=True):
        contracted = tuple(range(len(rows), gradient.ndim)), tuple(range(axes, weight.values.ndim))
        d_inputs.append(_product(quantise(gradient, GRADIENT), weight, contracted, x.dtype, jax.lax.Precision.HIGHEST))
    return sum(d_inputs[1:], d_inputs[0]), tuple(jnp.tensordot(x, gradient, (rows, rows)) for gradient in gradients)


_matmul.defvjp(_forward, _backward)


def _product(a: Scaled, b: Scaled, contracted: _Dims, dtype: jnp.dtype, precision: jax.lax.Precision) -> jax.Array:
    """Multiply two scaled tensors and divide by both scales."""
    # The product is rounded to its type before it is unscaled, which is exact. Both scales are one scalar, because that
    # is the form that cuBLASLt and Triton compute inside their kernels.
    product = jax.lax.dot_general(
        a.values, b.values, (contracted, ((), ())), precision=precision, preferred_element_type=dtype
    )
    return product * (a.inverse_scale * b.inverse_scale).astype(dtype)
