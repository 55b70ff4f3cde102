"""A decoder-only transformer as arrays and arithmetic: Llama (Touvron et al. 2023), its mixture of experts, and close
relatives.

It knows nothing of meshes: attention, dispatch, matrix products, placement and the way through the layers are arguments
(`Ops`).
"""

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp
from flax import nnx
from jax.ad_checkpoint import checkpoint_name

from tanuki_jax.config.model import LayerGroup, Model
from tanuki_jax.lm.kernels.attention.attention import self_attention
from tanuki_jax.lm.model.experts import Adapted, Dispatch, Experts, Routing, dropless, mixture
from tanuki_jax.lm.model.lora import Adapter, Drop, adapted, dropping
from tanuki_jax.lm.model.quantized_base import dequantize
from tanuki_jax.lm.model.remat import Remat, keep_all
from tanuki_jax.lm.model.rope import rotate
from tanuki_jax.lm.model.weights import ADAPTERS, Params, Weight, nest, weights

type Constrain = Callable[[jax.Array, str], jax.Array]
"""(activation, names of its dims: `btd`, `bthk`, `btf`, or `embedded` between embedding and layers) -> the activation,
placed."""


class Attend(Protocol):
    """Causal attention inside segments: q [B, T, H, Dh], k and v [B, T, K, Dh], int32[B, T] twice -> [B, T, H, Dh].

    With a `window` each query sees that many tokens, its own included; None: all before it.
    """

    def __call__(
        self,
        q: jax.Array,
        k: jax.Array,
        v: jax.Array,
        segment_ids: jax.Array,
        positions: jax.Array,
        window: int | None = None,
        /,
    ) -> jax.Array: ...


class Matmul(Protocol):
    """Products of x [..., *I] with each of several weights [*I, *O], where I is `axes` dims: [..., *O] each, in the
    type of x."""

    def __call__(self, x: jax.Array, weights: Sequence[jax.Array], axes: int, /) -> Sequence[jax.Array]: ...


def plain_matmul(x: jax.Array, weights: Sequence[jax.Array], axes: int) -> Sequence[jax.Array]:
    """Compute a `Matmul` in the type of its inputs."""
    return [jnp.tensordot(x, weight, axes) for weight in weights]


class LayerParams(NamedTuple):
    """Parameters of one layer, or with a leading dim L of all layers of a group."""

    weights: Params
    """Arrays by the last name of their path, which may be quantized."""
    adapters: Params
    """Parts of an adapter, with the scale in B, by the name of the weight that they adapt."""
    dropout_keys: jax.Array | None
    """Key data of the layer's dropout; None: nothing is dropped."""


class Layer(Protocol):
    """x [B, T, D], segment ids and positions [B, T], one layer's parameters -> x, and what its router did, if it has
    one.

    `attend` replaces the model's, for a layer with a cache of its own.
    """

    def __call__(
        self,
        x_btd: jax.Array,
        segment_ids: jax.Array,
        positions: jax.Array,
        params: LayerParams,
        attend: Attend | None = None,
        /,
    ) -> tuple[jax.Array, Routing | None]: ...


class Group(NamedTuple):
    """Consecutive layers of one kind, which run as one scan."""

    layer: Layer
    params: LayerParams
    """Stacked along a leading dim L."""


class RunLayers(Protocol):
    """Runs x [B, T, D] through all groups of layers in order.

    `remat` wraps what is computed of a layer at once. Rows may pass in several parts: what routers did is returned with
    leading axes (parts, L), over the layers that have a router.
    """

    def __call__(
        self,
        groups: Sequence[Group],
        remat: Remat,
        x_btd: jax.Array,
        segment_ids: jax.Array,
        positions: jax.Array,
        /,
    ) -> tuple[jax.Array, Routing | None]: ...


def scan_layers(
    groups: Sequence[Group], remat: Remat, x_btd: jax.Array, segment_ids: jax.Array, positions: jax.Array
) -> tuple[jax.Array, Routing | None]:
    """Run all rows in one part: a `RunLayers` with one scan for each group."""
    routings: list[Routing] = []
    for group in groups:

        def step(x_btd: jax.Array, params: LayerParams, layer: Layer = group.layer) -> tuple[jax.Array, Routing | None]:
            return layer(x_btd, segment_ids, positions, params)

        x_btd, routing = jax.lax.scan(remat(step), x_btd, group.params)
        if routing is not None:
            routings.append(jax.tree.map(lambda part: part[None], routing))
    if not routings:
        return x_btd, None
    return x_btd, jax.tree.map(lambda *parts: jnp.concatenate(parts, 1) if len(parts) > 1 else parts[0], *routings)


@dataclasses.dataclass(frozen=True)
class Ops:
    """Operations that differ between one device and a mesh, training and inference; the defaults are for one device."""

    attend: Attend = self_attention
    constrain: Constrain = lambda x, _: x
    dispatch: Dispatch = dropless
    """Sends tokens to experts."""
    matmul: Matmul = plain_matmul
    """Computes the products with all other weights of the layers."""
    run_layers: RunLayers = scan_layers
    remat: Remat = keep_all


def rms_norm(x: jax.Array, scale: jax.Array, epsilon: float) -> jax.Array:
    """Normalise the root mean square of the last axis (Zhang and Sennrich 2019), in float32, and return the type of
    x."""
    x32 = x.astype(jnp.float32)
    normal = x32 * jax.lax.rsqrt(jnp.mean(jnp.square(x32), axis=-1, keepdims=True) + epsilon)
    return (normal * scale.astype(jnp.float32)).astype(x.dtype)


class Block(nnx.Module):
    """One layer of a group: its weights as `nnx.Param`, under the last names of their paths, and its forward pass."""

    def __init__(self, arrays: Params) -> None:
        for name, array in arrays.items():
            setattr(self, name, nnx.Param(array))

    def weight(self, name: str) -> jax.Array:
        """Return a weight by its name."""
        array: jax.Array = getattr(self, name)[...]
        return array

    def __call__(
        self,
        x_btd: jax.Array,
        segment_ids: jax.Array,
        positions: jax.Array,
        model: Model,
        group: LayerGroup,
        ops: Ops,
        adapters: Params,
        drop: Drop,
    ) -> tuple[jax.Array, Routing | None]:
        """Compute the layer: [B, T, D] -> [B, T, D], in the type of x, and what its router did, if it has one."""
        rows = weights(model)

        def project(x: jax.Array, *names: str) -> Sequence[jax.Array]:
            matrices, row = [self.weight(name).astype(x.dtype) for name in names], rows[group.path(names[0])]
            products = [*ops.matmul(x, matrices, row.inputs)]
            for index, (name, matrix) in enumerate(zip(names, matrices, strict=True)):
                if name in adapters:
                    dropped = drop(x, rows[group.path(name)].seed)
                    products[index] = adapted(products[index], dropped, matrix, Adapter(**adapters[name]), row.inputs)
            return products

        def experts(name: str) -> jax.Array | Adapted:
            matrices_edf = self.weight(name).astype(x_btd.dtype)
            if name not in adapters:
                return matrices_edf
            return Adapted(matrices_edf, *(adapters[name][part].astype(x_btd.dtype) for part in ("a", "b")))

        def turned(x_bthk: jax.Array, norm: str) -> jax.Array:
            """Rotate heads by position, normalised before where the model has QK-norm (Dehghani et al. 2023)."""
            if model.qk_norm:
                x_bthk = rms_norm(x_bthk, self.weight(norm), model.norm_epsilon)
            return rotate(x_bthk, positions, model)

        x_btd = checkpoint_name(x_btd, "input")
        h_btd = rms_norm(x_btd, self.weight("attention_norm"), model.norm_epsilon)
        q, k, v = (ops.constrain(x, "bthk") for x in project(h_btd, "q", "k", "v"))
        q, k, v = (checkpoint_name(x, "qkv") for x in (turned(q, "q_norm"), turned(k, "k_norm"), v))
        mixed_bthk = ops.constrain(ops.attend(q, k, v, segment_ids, positions, group.window or None), "bthk")
        (attended_btd,) = project(mixed_bthk, "o")
        x_btd = checkpoint_name(ops.constrain(x_btd + attended_btd, "btd"), "middle")
        h_btd = rms_norm(x_btd, self.weight("mlp_norm"), model.norm_epsilon)
        if group.experts:
            swiglus = Experts(experts("expert_gate"), experts("expert_up"), experts("expert_down"))
            mlp_btd, routing = mixture(h_btd, segment_ids, self.weight("router"), swiglus, model, ops.dispatch)
            return ops.constrain(x_btd + mlp_btd, "btd"), routing
        gate_btf, up_btf = (checkpoint_name(ops.constrain(x, "btf"), "hidden") for x in project(h_btd, "gate", "up"))
        (mlp_btd,) = project(jax.nn.silu(gate_btf) * up_btf, "down")
        return ops.constrain(x_btd + mlp_btd, "btd"), None


def initialise(model: Model, key: jax.Array, dtype: str = "float32") -> Params:
    """Return fresh parameters, as the rows of the table of weights say."""
    embedding_key, blocks_key, output_key = jax.random.split(key, 3)
    rows = weights(model)

    def values(path: str, row: Weight, key: jax.Array) -> jax.Array:
        if row.init == "ones":
            return jnp.ones(row.shape, dtype)
        std = model.initial_std / (math.sqrt(2 * model.layers) if row.init == "residual" else 1)
        return std * jax.random.normal(key, row.shape, jnp.dtype(dtype))

    keys = {"embedding": embedding_key, "output": output_key}
    for index, group in enumerate(model.groups):
        group_key = blocks_key if index == 0 else jax.random.fold_in(output_key, index)
        prefix = group.path("")
        keys |= {path: jax.random.fold_in(group_key, row.seed) for path, row in rows.items() if path.startswith(prefix)}
    return nest({path: values(path, row, keys.get(path, key)) for path, row in rows.items()})


@functools.cache
def _definition(names: tuple[str, ...]) -> nnx.GraphDef[Block]:
    """Return the static part of a layer with weights of these names."""
    definition, _ = nnx.split(nnx.eval_shape(lambda: Block({name: jnp.zeros(()) for name in names})))
    return definition


def hidden_states(
    params: Params,
    tokens_bt: jax.Array,
    segment_ids_bt: jax.Array,
    positions_bt: jax.Array,
    model: Model,
    ops: Ops,
    *,
    compute_dtype: str,
    noise_btd: jax.Array | None = None,
    dropout: float = 0.0,
    dropout_keys_l: jax.Array | None = None,
) -> tuple[jax.Array, Routing | None]:
    """Return final normalised states [B, T, D] in `compute_dtype`, and what the routers of all layers did, if there are
    any.

    Args:
        params: weights, of which those that may have adapters may be quantized; and under `adapters` what `lora.scaled`
            returns.
        tokens_bt: int32[B, T].
        segment_ids_bt: int32[B, T], the document of each token in its row; 0: padding.
        positions_bt: int32[B, T], the position of each token in its document.
        model: shape of the model.
        ops: operations of this device or mesh.
        compute_dtype: type of the activations.
        noise_btd: added to the embeddings.
        dropout: share of the inputs of adapters that is dropped, where there are keys.
        dropout_keys_l: uint32[L, ...], key data of each layer's dropout.
    """
    x_btd = _embedded(params, tokens_bt, compute_dtype)
    x_btd = ops.constrain(x_btd if noise_btd is None else x_btd + noise_btd.astype(compute_dtype), "embedded")
    groups, first = [], 0
    for group in model.groups:
        stacked = LayerParams(
            weights=group.of(params),
            adapters=group.of(params.get(ADAPTERS, {})),
            dropout_keys=None if dropout_keys_l is None else dropout_keys_l[first : first + group.layers],
        )
        groups.append(Group(_layer(model, group, ops, dropout), stacked))
        first += group.layers
    x_btd, routing = ops.run_layers(groups, ops.remat, x_btd, segment_ids_bt, positions_bt)
    return rms_norm(x_btd, params["norm"], model.norm_epsilon), routing


def _embedded(params: Params, tokens_bt: jax.Array, dtype: str) -> jax.Array:
    """Return the embeddings of tokens [B, T, D], with what their adapter adds."""
    x_btd: jax.Array = params["embedding"][tokens_bt].astype(dtype)
    adapter = params.get(ADAPTERS, {}).get("embedding")
    if adapter is None:
        return x_btd
    return x_btd + jnp.tensordot(adapter["a"][tokens_bt].astype(dtype), adapter["b"].astype(dtype), 1)


def _layer(model: Model, group: LayerGroup, ops: Ops, dropout: float) -> Layer:
    """Return the forward pass of one layer of a group."""
    names = tuple(path.rpartition(".")[2] for path in weights(model) if path.startswith(group.path("")))
    definition = _definition(names)

    def layer(
        x_btd: jax.Array,
        segment_ids: jax.Array,
        positions: jax.Array,
        params: LayerParams,
        attend: Attend | None = None,
    ) -> tuple[jax.Array, Routing | None]:
        block = nnx.merge(definition, {name: dequantize(params.weights[name]) for name in names})
        drop = dropping(params.dropout_keys, dropout)
        used = dataclasses.replace(ops, attend=attend) if attend else ops
        return block(x_btd, segment_ids, positions, model, group, used, params.adapters, drop)

    return layer


def output_matrix(params: Params) -> jax.Array:
    """Return the output matrix [D, V] without its adapter, or the embedding transposed where they are tied."""
    output: jax.Array = params["output"] if "output" in params else params["embedding"].T
    return output


def output_adapter(params: Params) -> Adapter | None:
    """Return the adapter of the output matrix, A [D, r] and B [r, V]; None: it has none."""
    parts = params.get(ADAPTERS, {}).get("output")
    return None if parts is None else Adapter(**parts)
