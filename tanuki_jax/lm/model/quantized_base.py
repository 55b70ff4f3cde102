"""Weights that are not trained, as they are kept: in bfloat16 or float32, or those of the layers in 8 or 4 bits (QLoRA).

Dettmers et al. 2023, section 3: 64 consecutive inputs of an output share a scale, their largest magnitude. `nf4` has the 16 quantiles of a
normal distribution of its appendix E, `int8` evenly spaced values. Scales are float32: they are not quantized in their turn. In 4 bits
weights count as they do in bitsandbytes.
"""

import functools
import math
from collections.abc import Callable
from typing import Any, get_args

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.lora import LoRA, Projection

_BLOCK = 64
"""Weights that share a scale."""


def freeze(parameters: dict[str, Any], lora: LoRA) -> dict[str, Any]:
    """Parameters as `lora.base` says that they are kept where only their adapters are trained; to be jitted.

    Quantized projections are `qwix.QArray`s, made of their values in bfloat16; everything outside them is bfloat16 then.
    InputError if qwix is not installed.
    """
    kept = jax.tree.map(lambda array: array.astype(lora.base_dtype), parameters)
    blocks = kept["blocks"]
    quantized = (
        {name: _layer_by_layer(blocks[name], name, lora) for name in _projections(blocks)} if lora.quantized else {}
    )
    return {**kept, "blocks": {**blocks, **quantized}}


def is_quantized(weight: Any) -> bool:
    """Whether it is one that `freeze` keeps in 8 or 4 bits, or the shape of one."""
    return hasattr(weight, "qvalue")


def thaw(weight: Any) -> Any:
    """A weight as it counts: what a quantized one stands for, in float32; another as it is."""
    if not is_quantized(weight):
        return weight
    sizes = zip(weight.shape, weight.scale.shape, strict=True)
    dim = next((dim for dim, (whole, scales) in enumerate(sizes) if whole != scales), 0)
    return _along(dim, weight.ndim, _qwix().dequantize)(weight)


def quantized_and_back(parameters: dict[str, Any], lora: LoRA) -> dict[str, Any]:
    """Parameters among which those that `lora.base` quantizes count as they do while they are frozen; to be jitted."""
    if not lora.quantized:
        return parameters
    frozen = freeze(parameters, lora)["blocks"]
    blocks = parameters["blocks"]
    return {**parameters, "blocks": {**blocks, **{name: thaw(frozen[name]) for name in _projections(blocks)}}}


def matrix_and_back(matrix: npt.NDArray[Any], name: str, lora: LoRA) -> npt.NDArray[Any]:
    """One matrix of a layer on the host, or one expert's, as `quantized_and_back` gives it; another array as it is."""
    if not lora.quantized or name not in get_args(Projection):
        return matrix
    return np.asarray(_and_back(matrix, name, lora))


@functools.partial(jax.jit, static_argnames=("name", "lora"))
def _and_back(matrix: jax.Array, name: str, lora: LoRA) -> jax.Array:
    return thaw(_quantized(matrix.astype(lora.base_dtype), name, lora.base))


def _layer_by_layer(weight: jax.Array, name: str, lora: LoRA) -> Any:
    """`_quantized` of a stacked weight, without more memory than one layer takes: finding a code compares a weight with all of them."""
    return jax.lax.map(lambda layer: _quantized(layer, name, lora.base), weight)


def _projections(blocks: dict[str, Any]) -> list[str]:
    return [name for name in get_args(Projection) if name in blocks]


def _quantized(weight: jax.Array, projection: str, base: str) -> Any:
    """`qwix.QArray` of a weight [..., *I, *O], whose last dim of I is cut into blocks."""
    outputs = 2 if projection in ("q", "k", "v") else 1
    dim = weight.ndim - outputs - 1
    quantize = functools.partial(_qwix().quantize, qtype=base, tiled_axes={0: math.gcd(weight.shape[dim], _BLOCK)})
    return _along(dim, weight.ndim, quantize)(weight.astype(jnp.float32))


def _along(dim: int, ndim: int, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function of vectors as one of arrays, applied along a dim: no other dim is reshaped, so that any may be sharded."""
    for _ in range(dim):
        function = jax.vmap(function)
    for _ in range(ndim - dim - 1):
        function = jax.vmap(function, in_axes=-1, out_axes=-1)
    return function


def _qwix() -> Any:
    """The library, which only runs with quantized weights need."""
    try:
        import qwix
    except ImportError:
        raise InputError("lora.base int8 and nf4 need qwix: pip install 'tanuki-jax[qlora]'") from None
    return qwix
