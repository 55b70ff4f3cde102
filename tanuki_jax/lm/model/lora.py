"""Low-rank adapters (Hu et al. 2022) among the parameters that they adapt: `q` has `q_a` and `q_b`, and with DoRA a magnitude `q_m`."""

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from tanuki_jax.config.lora import LoRA
from tanuki_jax.lm.model.quantized_base import thaw

PARTS = ("a", "b", "m")
"""Suffixes of an adapter's arrays: A [*lead, *inputs, r], B [*lead, r, *outputs] and DoRA's magnitude [*lead, *outputs]. Lead dims are the
layers and the experts."""

DROPOUT_KEYS = "dropout_keys"
"""Beside the blocks' parameters where inputs are dropped: uint32[L, ...], the key data of each layer."""

type Blocks = Mapping[str, Any]
"""Arrays of layers by name, with or without their leading axis L."""

type Drop = Callable[[jax.Array, int], jax.Array]
"""Takes x and the number of a projection in its layer; returns x with some of it left out, the rest scaled up."""


class Adapter(NamedTuple):
    """Of one weight; B already has the scale in it."""

    a: jax.Array
    b: jax.Array
    m: jax.Array | None


def input_dims(projection: str) -> int:
    """How many dims of a projection's weight are inputs."""
    return 2 if projection == "o" else 1


def lead_dims(projection: str) -> int:
    """How many dims of a stacked weight come before those of one matrix."""
    return 2 if projection.startswith("expert_") else 1


def initialise(blocks: Blocks, lora: LoRA, key: jax.Array, dtype: str = "float32") -> dict[str, jax.Array]:
    """Fresh adapters of stacked weights: A uniform within 1 / sqrt(inputs), B zero, magnitudes the norms of the weights' columns.

    Args:
        blocks: the weights, frozen or not, with their leading axis L; only DoRA looks at their values.
        lora: rank, and which weights.
        key: of A.
        dtype: of the arrays.
    """
    adapters: dict[str, jax.Array] = {}
    for number, projection in enumerate(lora.projections):
        shape, lead, inputs = blocks[projection].shape, lead_dims(projection), input_dims(projection)
        bound = 1 / math.sqrt(math.prod(shape[lead : lead + inputs]))
        fresh = jax.random.uniform(
            jax.random.fold_in(key, number), (*shape[: lead + inputs], lora.rank), jnp.dtype(dtype), -bound, bound
        )
        adapters[f"{projection}_a"] = fresh
        adapters[f"{projection}_b"] = jnp.zeros((*shape[:lead], lora.rank, *shape[lead + inputs :]), jnp.dtype(dtype))
        if lora.dora:
            adapters[f"{projection}_m"] = _norms(thaw(blocks[projection]), lead, inputs).astype(dtype)
    return adapters


def scaled(adapters: Blocks, lora: LoRA) -> dict[str, Any]:
    """Stacked adapters with the scale in B, as the model takes them."""
    return {name: array * lora.scale if name.endswith("_b") else array for name, array in adapters.items()}


def adapter_of(blocks: Blocks, projection: str) -> Adapter | None:
    """The adapter of a weight; None if it has none."""
    if f"{projection}_a" not in blocks:
        return None
    return Adapter(blocks[f"{projection}_a"], blocks[f"{projection}_b"], blocks.get(f"{projection}_m"))


def adapted(product: jax.Array, x: jax.Array, weight: jax.Array, adapter: Adapter, inputs: int) -> jax.Array:
    """What x gives with a weight and its adapter, where `product` is what it gives with the weight alone.

    With a magnitude m: m (x W + x A B) / |W + A B|, where the norm of each column counts as a constant (Liu et al. 2024, equation 11).

    Args:
        product: [..., *O].
        x: [..., *I], which A meets; the weight may have met another, with nothing dropped.
        weight: [*I, *O], in the type of x.
        adapter: A [*I, r], B [r, *O] and perhaps m [*O].
        inputs: the number of dims I.
    """
    low = jnp.tensordot(x, adapter.a.astype(x.dtype), inputs)
    whole = product + jnp.tensordot(low, adapter.b.astype(x.dtype), 1)
    if adapter.m is None:
        return whole
    norms = jax.lax.stop_gradient(_norms(_sum(weight, adapter.a, adapter.b, 0, inputs), 0, inputs))
    return whole * (adapter.m / norms).astype(x.dtype)


def dropping(key_data: jax.Array | None, rate: float) -> Drop:
    """The `Drop` of a layer with this key data; without a key or a rate it leaves x as it is.

    A draw has 16 bits, to which the rate is rounded: each 32 bits that a GPU draws cost it about a hundred operations.
    """
    if key_data is None or not rate:
        return lambda x, number: x
    key = jax.random.wrap_key_data(key_data)
    dropped = round(rate * 2**16)
    scale = 1 / (1 - dropped / 2**16)

    def drop(x: jax.Array, number: int) -> jax.Array:
        *rest, last = x.shape
        drawn = jax.random.bits(jax.random.fold_in(key, number), (*rest, -(-last // 2)), jnp.uint32)
        drawn = jax.lax.bitcast_convert_type(drawn, jnp.uint16).reshape(*rest, -1)[..., :last]
        return jnp.where(drawn >= dropped, x * scale, 0).astype(x.dtype)

    return drop


def merged(blocks: Blocks, lora: LoRA) -> dict[str, Any]:
    """Stacked weights with their adapters in them, computed in float32 and kept in the weights' types; the adapters are gone.

    Args:
        blocks: weights and adapters, the latter without the scale.
        lora: the scale.
    """
    result = {name: array for name, array in blocks.items() if not is_adapter(name)}
    for projection in [name for name in result if f"{name}_a" in blocks]:
        weight, lead, inputs = result[projection], lead_dims(projection), input_dims(projection)
        adapter = adapter_of(blocks, projection)
        assert adapter is not None
        whole = _sum(weight, adapter.a, lora.scale * adapter.b, lead, inputs)
        if adapter.m is not None:
            ratio = adapter.m.astype(jnp.float32) / _norms(whole, lead, inputs)
            whole *= ratio.reshape(*ratio.shape[:lead], *(1,) * inputs, *ratio.shape[lead:])
        result[projection] = whole.astype(weight.dtype)
    return result


def merged_matrix(weight: npt.NDArray[Any], adapter: Blocks, projection: str, lora: LoRA) -> npt.NDArray[np.float32]:
    """One matrix with its adapter in it, on the host: what `merged` computes of a layer, or of an expert of one."""
    inputs = input_dims(projection)
    rows = math.prod(weight.shape[:inputs])
    a, b = (np.asarray(adapter[f"{projection}_{part}"], np.float32) for part in "ab")
    whole = weight.reshape(rows, -1).astype(np.float32) + lora.scale * (a.reshape(rows, -1) @ b.reshape(lora.rank, -1))
    if lora.dora:
        whole *= np.asarray(adapter[f"{projection}_m"], np.float32).reshape(-1) / np.sqrt(np.square(whole).sum(0))
    return whole.reshape(weight.shape)


def is_adapter(name: str) -> bool:
    """Whether a name among the blocks' parameters is that of an adapter's array."""
    projection, _, part = name.rpartition("_")
    return bool(projection) and part in PARTS


def _sum(weight: jax.Array, a: jax.Array, b: jax.Array, lead: int, inputs: int) -> jax.Array:
    """W + A B in float32, matrix by matrix along the lead dims."""
    product = functools.partial(jnp.tensordot, axes=1)
    for _ in range(lead):
        product = jax.vmap(product)
    return weight.astype(jnp.float32) + product(a.astype(jnp.float32), b.astype(jnp.float32))


def _norms(weight: jax.Array, lead: int, inputs: int) -> jax.Array:
    """Norms of the columns of stacked weights [*lead, *I, *O]: float32[*lead, *O]."""
    return jnp.sqrt(jnp.square(weight.astype(jnp.float32)).sum(tuple(range(lead, lead + inputs))))
