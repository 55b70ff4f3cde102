"""Frozen weights as they are kept: in bfloat16 or float32, or those of the layers in 8 or 4 bits (QLoRA).

Dettmers et al. 2023, section 3: 64 consecutive inputs of an output share a scale, their largest absolute value. `nf4`
has the 16 quantiles of a normal distribution of its appendix E, `int8` evenly spaced values. Scales are float32 and not
quantized in turn. In 4 bits weights have the values that bitsandbytes gives them.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.lora import LoRA
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.weights import Params, Weight, flatten, nest, weights

_BLOCK = 64
"""Number of weights that share a scale."""


def quantize_base(model: Model, params: Params, lora: LoRA) -> Params:
    """Return parameters as `lora.base` says that frozen ones are kept; to be jitted.

    Quantized weights are `qwix.QArray`s, made of their values in bfloat16; all others are bfloat16 then. InputError if
    qwix is not installed.
    """
    kept = jax.tree.map(lambda array: array.astype(lora.base_dtype), params)
    if not lora.quantized:
        return kept
    rows = weights(model)
    return nest(
        {
            path: _layer_by_layer(array, rows[path], lora.base) if rows[path].layer_projection else array
            for path, array in flatten(kept)
        }
    )


def is_quantized(weight: Any) -> bool:
    """Whether a weight, or the shape of one, is kept in 8 or 4 bits."""
    return hasattr(weight, "qvalue")


def dequantize(weight: Any) -> Any:
    """Return the values of a quantized weight in float32; another weight unchanged."""
    if not is_quantized(weight):
        return weight
    sizes = zip(weight.shape, weight.scale.shape, strict=True)
    dim = next((dim for dim, (values, scales) in enumerate(sizes) if values != scales), 0)
    return _along(dim, weight.ndim, _qwix().dequantize)(weight)


def quantized_and_back(model: Model, params: Params, lora: LoRA) -> Params:
    """Return parameters with the values that they have while `lora.base` keeps some of them quantized; to be jitted."""
    if not lora.quantized:
        return params
    rows, frozen = weights(model), dict(flatten(quantize_base(model, params, lora)))
    return nest(
        {path: dequantize(frozen[path]) if rows[path].layer_projection else array for path, array in flatten(params)}
    )


def matrix_and_back(matrix: npt.NDArray[Any], row: Weight, lora: LoRA) -> npt.NDArray[Any]:
    """Return one matrix of a layer, or of an expert of one, on the host, with the values of `quantized_and_back`."""
    if not lora.quantized or not row.layer_projection:
        return matrix
    return np.asarray(_and_back(matrix, row, lora))


@functools.partial(jax.jit, static_argnames=("row", "lora"))
def _and_back(matrix: jax.Array, row: Weight, lora: LoRA) -> jax.Array:
    return dequantize(_quantized(matrix.astype(lora.base_dtype), row, lora.base))


def _layer_by_layer(weight: jax.Array, row: Weight, base: str) -> Any:
    """Quantize a stacked weight in the memory of one layer: finding a code compares a weight with all codes."""
    return jax.lax.map(lambda layer: _quantized(layer, row, base), weight)


def _quantized(weight: jax.Array, row: Weight, base: str) -> Any:
    """Return the `qwix.QArray` of a weight [..., *I, *O], whose last input dim is cut into blocks."""
    dim = weight.ndim - len(row.output_shape) - 1
    quantize = functools.partial(_qwix().quantize, qtype=base, tiled_axes={0: math.gcd(weight.shape[dim], _BLOCK)})
    return _along(dim, weight.ndim, quantize)(weight.astype(jnp.float32))


def _along(dim: int, ndim: int, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Turn a function of vectors into one of arrays, applied along a dim: no other dim is reshaped, so any may be
    sharded."""
    for _ in range(dim):
        function = jax.vmap(function)
    for _ in range(ndim - dim - 1):
        function = jax.vmap(function, in_axes=-1, out_axes=-1)
    return function


def _qwix() -> Any:
    """Import the library, which only runs with quantized weights need."""
    try:
        import qwix
    except ImportError:
        raise InputError("lora.base int8 and nf4 need qwix: pip install 'tanuki-jax[qlora]'") from None
    return qwix
