"""Low-rank adapters (Hu et al. 2022) in a subtree of their own: an adapter has the path of the weight that it adapts,
and parts below it.

The parts are A [*lead, *inputs, r], B [*lead, r, *outputs] and with DoRA a magnitude m [*lead, *outputs]; lead dims are
layers and experts.
"""

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from tanuki_jax.config.lora import LoRA
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.quantized_base import dequantize
from tanuki_jax.lm.model.weights import Params, flatten, nest, projections, weights

type Drop = Callable[[jax.Array, int], jax.Array]
"""(x, number of a projection in its layer) -> x with some of its elements zero, and the others scaled up."""


class Adapter(NamedTuple):
    """Adapter of one weight, with the scale in B."""

    a: jax.Array
    b: jax.Array
    m: jax.Array | None = None


def parts(lora: LoRA) -> tuple[str, ...]:
    """Return the names of an adapter's arrays."""
    return ("a", "b", "m") if lora.dora else ("a", "b")


def shapes(model: Model, lora: LoRA, dtype: str = "float32") -> Params:
    """Return the adapters of a model as a tree of `jax.ShapeDtypeStruct`."""
    return nest(
        {
            f"{path}.{part}": jax.ShapeDtypeStruct(row.part_shape(part, lora.rank), jnp.dtype(dtype))
            for path, row in projections(model, lora.projections).items()
            for part in parts(lora)
        }
    )


def initialise(model: Model, params: Params, lora: LoRA, key: jax.Array, dtype: str = "float32") -> Params:
    """Return fresh adapters: A uniform within 1 / sqrt(inputs), B zero, magnitudes the norms of the weights' columns.

    The embedding's A is zero and its B standard normal, as in loralib and PEFT: a row of A has a gradient only where
    its token occurs, and one that does not become smaller with the vocabulary.

    Args:
        model: shape of the model.
        params: its weights, frozen or not; only DoRA reads their values.
        lora: rank, and which weights.
        key: random key of the values.
        dtype: type of the arrays.
    """
    values, adapters = dict(flatten(params)), {}
    for path, row in projections(model, lora.projections).items():
        *groups, name = path.split(".")
        part_key = jax.random.fold_in(key, lora.projections.index(name))
        if len(groups) > 1:  # several groups of layers
            part_key = jax.random.fold_in(part_key, int(groups[1]))
        bound = 1 / math.sqrt(math.prod(row.input_shape))
        a_shape, b_shape = (row.part_shape(part, lora.rank) for part in ("a", "b"))
        if row.lookup:
            adapters[f"{path}.a"] = jnp.zeros(a_shape, jnp.dtype(dtype))
            adapters[f"{path}.b"] = jax.random.normal(part_key, b_shape, jnp.dtype(dtype))
        else:
            adapters[f"{path}.a"] = jax.random.uniform(part_key, a_shape, jnp.dtype(dtype), -bound, bound)
            adapters[f"{path}.b"] = jnp.zeros(b_shape, jnp.dtype(dtype))
        if lora.dora:
            adapters[f"{path}.m"] = _norms(dequantize(values[path]), row.lead, row.inputs).astype(dtype)
    return nest(adapters)


def scaled(adapters: Params, lora: LoRA) -> Params:
    """Return adapters with the scale in B, as the model takes them."""
    return nest({path: array * lora.scale if _part(path) == "b" else array for path, array in flatten(adapters)})


def adapted(product: jax.Array, x: jax.Array, weight: jax.Array, adapter: Adapter, inputs: int) -> jax.Array:
    """Return x @ (W + A B), given `product` = x @ W.

    With a magnitude m: m (x W + x A B) / |W + A B|, where the norm of each column is a constant (Liu et al. 2024,
    equation 11).

    Args:
        product: [..., *O].
        x: [..., *I], the input of A; that of the weight may differ by dropout.
        weight: [*I, *O], in the type of x.
        adapter: A [*I, r], B [r, *O] and perhaps m [*O].
        inputs: number of dims I.
    """
    low = jnp.tensordot(x, adapter.a.astype(x.dtype), inputs)
    merged = product + jnp.tensordot(low, adapter.b.astype(x.dtype), 1)
    if adapter.m is None:
        return merged
    norms = jax.lax.stop_gradient(_norms(_sum(weight, adapter.a, adapter.b, 0), 0, inputs))
    return merged * (adapter.m / norms).astype(x.dtype)


def dropping(key_data: jax.Array | None, rate: float) -> Drop:
    """Return the `Drop` of a layer with this key data; without a key or a rate it returns x.

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


def merged(model: Model, params: Params, adapters: Params, lora: LoRA) -> Params:
    """Return weights with their adapters merged into them, computed in float32 and kept in the weights' types.

    Args:
        model: shape of the model.
        params: weights.
        adapters: adapters of some of them, without the scale.
        lora: the scale.
    """
    rows, result, arrays = weights(model), dict(flatten(params)), dict(flatten(adapters))
    for path in [path for path in result if f"{path}.a" in arrays]:
        weight, row = result[path], rows[path]
        total = _sum(weight, arrays[f"{path}.a"], lora.scale * arrays[f"{path}.b"], row.lead)
        if lora.dora:
            ratio = arrays[f"{path}.m"].astype(jnp.float32) / _norms(total, row.lead, row.inputs)
            total *= ratio.reshape(*ratio.shape[: row.lead], *(1,) * row.inputs, *ratio.shape[row.lead :])
        result[path] = total.astype(weight.dtype)
    return nest(result)


def merged_matrix(
    weight: npt.NDArray[Any], adapter: Mapping[str, npt.NDArray[Any]], lora: LoRA
) -> npt.NDArray[np.float32]:
    """Return one matrix with its adapter merged into it, on the host: `merged` of a layer, or of an expert of one.

    Args:
        weight: [*I, *O], or without DoRA some of its rows and columns.
        adapter: its parts by name, of the same layer and expert, rows and columns.
        lora: the scale.
    """
    a, b = (np.asarray(adapter[part], np.float32) for part in ("a", "b"))
    rows = math.prod(a.shape[:-1])
    change = a.reshape(rows, -1) @ b.reshape(lora.rank, -1)
    total = np.asarray(weight.reshape(rows, -1).astype(np.float32) + lora.scale * change, np.float32)
    if lora.dora:
        total *= np.asarray(adapter["m"], np.float32).reshape(-1) / np.sqrt(np.square(total).sum(0))
    return total.reshape(weight.shape)


def _part(path: str) -> str:
    return path.rpartition(".")[2]


def _sum(weight: jax.Array, a: jax.Array, b: jax.Array, lead: int) -> jax.Array:
    """Return W + A B in float32, matrix by matrix along the lead dims."""
    product = functools.partial(jnp.tensordot, axes=1)
    for _ in range(lead):
        product = jax.vmap(product)
    return weight.astype(jnp.float32) + product(a.astype(jnp.float32), b.astype(jnp.float32))


def _norms(weight: jax.Array, lead: int, inputs: int) -> jax.Array:
    """Return the norms of the columns of stacked weights [*lead, *I, *O]: float32[*lead, *O]."""
    return jnp.sqrt(jnp.square(weight.astype(jnp.float32)).sum(tuple(range(lead, lead + inputs))))
