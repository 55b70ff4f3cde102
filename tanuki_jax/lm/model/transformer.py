"""Llama (Touvron et al. 2023) as arrays and arithmetic. Knows nothing of meshes: attention, dispatch and placement come as arguments."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import jax
import jax.numpy as jnp
from flax import nnx
from jax.ad_checkpoint import checkpoint_name

from tanuki_jax.config.lora import DENSE
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.experts import Adapted, Dispatch, Experts, Routing, dropless, mixture
from tanuki_jax.lm.model.lora import DROPOUT_KEYS, Drop, adapted, adapter_of, dropping, input_dims
from tanuki_jax.lm.model.quantized_base import thaw
from tanuki_jax.lm.model.remat import Remat, keep_all

type Params = dict[str, Any]
"""Nested dictionary of arrays, as `nnx.to_pure_dict` gives it; everything under `blocks` has a leading axis L."""

type Constrain = Callable[[jax.Array, str], jax.Array]
"""Takes an activation and the name of its axes (`btd`, `bthk`, `btf`; `embedded` between embedding and layers), returns it placed."""


class Attend(Protocol):
    """Causal attention inside segments: q [B, T, H, Dh], k and v [B, T, K, Dh], int32[B, T] twice -> [B, T, H, Dh]."""

    def __call__(
        self, q: jax.Array, k: jax.Array, v: jax.Array, segment_ids: jax.Array, positions: jax.Array, /
    ) -> jax.Array: ...


class Layer(Protocol):
    """x [B, T, D], segment ids and positions [B, T], one layer's parameters -> x, and what its router did, if it has one.

    `attend` takes the place of the model's, where each layer has its own.
    """

    def __call__(
        self,
        x_btd: jax.Array,
        segment_ids: jax.Array,
        positions: jax.Array,
        one_layer: Params,
        attend: Attend | None = None,
        /,
    ) -> tuple[jax.Array, Routing | None]: ...


class Matmul(Protocol):
    """Products of x [..., *I] with each of several weights [*I, *O], where I is `axes` dims: [..., *O] each, in the type of x."""

    def __call__(self, x: jax.Array, weights: Sequence[jax.Array], axes: int, /) -> Sequence[jax.Array]: ...


def plain_matmul(x: jax.Array, weights: Sequence[jax.Array], axes: int) -> Sequence[jax.Array]:
    """`Matmul` in the type of its inputs."""
    return [jnp.tensordot(x, weight, axes) for weight in weights]


class Through(Protocol):
    """Takes x [B, T, D] through all layers in their order.

    `blocks` are the parameters of all, with a leading axis L; `remat` is for what is computed of a layer at once. The rows may go in
    several parts: what routers did comes back with leading axes (parts, L).
    """

    def __call__(
        self,
        layer: Layer,
        remat: Remat,
        x_btd: jax.Array,
        segment_ids: jax.Array,
        positions: jax.Array,
        blocks: Params,
        /,
    ) -> tuple[jax.Array, Routing | None]: ...


def one_after_another(
    layer: Layer, remat: Remat, x_btd: jax.Array, segment_ids: jax.Array, positions: jax.Array, blocks: Params
) -> tuple[jax.Array, Routing | None]:
    """`Through` of all rows in one part."""

    def step(x_btd: jax.Array, one_layer: Params) -> tuple[jax.Array, Routing | None]:
        return layer(x_btd, segment_ids, positions, one_layer)

    x_btd, routing = jax.lax.scan(remat(step), x_btd, blocks)
    return x_btd, jax.tree.map(lambda part: part[None], routing)


def rms_norm(x: jax.Array, scale: jax.Array, epsilon: float) -> jax.Array:
    """Root mean square normalisation over the last axis (Zhang and Sennrich 2019), in float32, returned in the type of x."""
    x32 = x.astype(jnp.float32)
    normal = x32 * jax.lax.rsqrt(jnp.mean(jnp.square(x32), axis=-1, keepdims=True) + epsilon)
    return (normal * scale.astype(jnp.float32)).astype(x.dtype)


def rotate(x_bthd: jax.Array, positions_bt: jax.Array, theta: float) -> jax.Array:
    """Rotary position embedding (Su et al. 2021), in float32, the two halves of a head paired as in Llama's released weights."""
    half = x_bthd.shape[-1] // 2
    frequency = theta ** (-jnp.arange(half, dtype=jnp.float32) / half)
    angle = positions_bt[:, :, None, None].astype(jnp.float32) * frequency
    sine, cosine = jnp.sin(angle), jnp.cos(angle)
    a, b = jnp.split(x_bthd.astype(jnp.float32), 2, axis=-1)
    return jnp.concatenate([a * cosine - b * sine, b * cosine + a * sine], axis=-1).astype(x_bthd.dtype)


class Blocks(nnx.Module):
    """All layers at once: every parameter has a leading axis L; a scan hands `__call__` one layer of them."""

    def __init__(self, model: Model, key: jax.Array, dtype: jnp.dtype) -> None:
        def weight(index: int, std: float, *shape: int) -> nnx.Param[jax.Array]:
            return nnx.Param(std * jax.random.normal(jax.random.fold_in(key, index), (model.layers, *shape), dtype))

        m, std = model, model.initial_std
        residual_std = std / math.sqrt(2 * m.layers)
        self.attention_norm = nnx.Param(jnp.ones((m.layers, m.width), dtype))
        self.q = weight(0, std, m.width, m.heads, m.head_dim)
        self.k = weight(1, std, m.width, m.kv_heads, m.head_dim)
        self.v = weight(2, std, m.width, m.kv_heads, m.head_dim)
        self.o = weight(3, residual_std, m.heads, m.head_dim, m.width)
        self.mlp_norm = nnx.Param(jnp.ones((m.layers, m.width), dtype))
        if m.experts:
            self.router = weight(7, std, m.width, m.experts)
            self.expert_gate = weight(4, std, m.experts, m.width, m.hidden)
            self.expert_up = weight(5, std, m.experts, m.width, m.hidden)
            self.expert_down = weight(6, residual_std, m.experts, m.hidden, m.width)
        else:
            self.gate = weight(4, std, m.width, m.hidden)
            self.up = weight(5, std, m.width, m.hidden)
            self.down = weight(6, residual_std, m.hidden, m.width)

    def __call__(
        self,
        x_btd: jax.Array,
        segment_ids: jax.Array,
        positions: jax.Array,
        model: Model,
        attend: Attend,
        constrain: Constrain,
        dispatch: Dispatch,
        matmul: Matmul,
        adapters: Params,
        drop: Drop,
    ) -> tuple[jax.Array, Routing | None]:
        """One layer: [B, T, D] -> [B, T, D], in the type of x, and what its router did, if it has one."""

        def project(x: jax.Array, *names: str) -> Sequence[jax.Array]:
            weights, dims = [getattr(self, name)[...].astype(x.dtype) for name in names], input_dims(names[0])
            products = [*matmul(x, weights, dims)]
            for place, (name, weight) in enumerate(zip(names, weights, strict=True)):
                if adapter := adapter_of(adapters, name):
                    products[place] = adapted(products[place], drop(x, DENSE.index(name)), weight, adapter, dims)
            return products

        def experts(name: str) -> jax.Array | Adapted:
            weights_edf, adapter = getattr(self, name)[...].astype(x_btd.dtype), adapter_of(adapters, name)
            return (
                Adapted(weights_edf, adapter.a.astype(x_btd.dtype), adapter.b.astype(x_btd.dtype))
                if adapter
                else weights_edf
            )

        x_btd = checkpoint_name(x_btd, "input")
        h_btd = rms_norm(x_btd, self.attention_norm[...], model.norm_epsilon)
        q, k, v = (constrain(x, "bthk") for x in project(h_btd, "q", "k", "v"))
        q, k, v = (
            checkpoint_name(x, "qkv")
            for x in (rotate(q, positions, model.rope_theta), rotate(k, positions, model.rope_theta), v)
        )
        mixed_bthk = constrain(attend(q, k, v, segment_ids, positions), "bthk")
        (attended_btd,) = project(mixed_bthk, "o")
        x_btd = checkpoint_name(constrain(x_btd + attended_btd, "btd"), "middle")
        h_btd = rms_norm(x_btd, self.mlp_norm[...], model.norm_epsilon)
        if model.experts:
            whole = Experts(experts("expert_gate"), experts("expert_up"), experts("expert_down"))
            mlp_btd, routing = mixture(h_btd, segment_ids, self.router[...], whole, model, dispatch)
            return constrain(x_btd + mlp_btd, "btd"), routing
        gate_btf, up_btf = (checkpoint_name(constrain(x, "btf"), "hidden") for x in project(h_btd, "gate", "up"))
        (mlp_btd,) = project(jax.nn.silu(gate_btf) * up_btf, "down")
        return constrain(x_btd + mlp_btd, "btd"), None


class Llama(nnx.Module):
    """The parameters; `hidden_states` and `output_matrix` are what is done with them."""

    def __init__(self, model: Model, key: jax.Array, dtype: jnp.dtype) -> None:
        embedding_key, blocks_key, output_key = jax.random.split(key, 3)
        shape = (model.vocabulary, model.width)
        self.embedding = nnx.Param(model.initial_std * jax.random.normal(embedding_key, shape, dtype))
        self.blocks = Blocks(model, blocks_key, dtype)
        self.norm = nnx.Param(jnp.ones((model.width,), dtype))
        if not model.tied:
            self.output = nnx.Param(model.initial_std * jax.random.normal(output_key, shape[::-1], dtype))


def initialise(model: Model, key: jax.Array, dtype: str = "float32") -> Params:
    """Fresh parameters: normal with `initial_std`, divided by sqrt(2 L) for `o` and `down` (Radford et al. 2019), ones for norms."""
    params: Params = nnx.to_pure_dict(nnx.split(Llama(model, key, jnp.dtype(dtype)))[1])
    return params


def shapes(model: Model, dtype: str = "float32") -> Params:
    """The tree of `initialise` as `jax.ShapeDtypeStruct`s; nothing is allocated."""
    return jax.eval_shape(lambda: initialise(model, jax.random.key(0), dtype))


def count_parameters(model: Model) -> int:
    """Number of parameters, without allocating any."""
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(shapes(model)))


def count_active_parameters(model: Model) -> int:
    """Number of parameters that one token meets: of each layer's experts only those that it goes to."""
    idle = max(model.experts - model.experts_per_token, 0)
    return count_parameters(model) - model.layers * idle * 3 * model.width * model.hidden


@functools.cache
def _definition(model: Model) -> tuple[nnx.GraphDef[Blocks], tuple[str, ...]]:
    """Of one layer, and the names of its parameters."""
    definition, state = nnx.split(nnx.eval_shape(lambda: Blocks(model, jax.random.key(0), jnp.dtype("float32"))))
    return definition, tuple(nnx.to_pure_dict(state))


def hidden_states(
    params: Params,
    tokens_bt: jax.Array,
    segment_ids_bt: jax.Array,
    positions_bt: jax.Array,
    model: Model,
    *,
    attend: Attend,
    constrain: Constrain,
    compute_dtype: str,
    remat: Remat = keep_all,
    dispatch: Dispatch = dropless,
    matmul: Matmul = plain_matmul,
    through: Through = one_after_another,
    noise_btd: jax.Array | None = None,
    dropout: float = 0.0,
) -> tuple[jax.Array, Routing | None]:
    """Final normalised states [B, T, D], in `compute_dtype`, of int32[B, T] tokens; and what the routers of all layers did, if any,
    with leading axes (parts, L) where the rows go `through` the layers in parts.

    `dispatch` takes tokens to experts, and `matmul` computes the products with all other weights of the layers, which may be what
    `model.frozen.freeze` makes of them. What `model.lora.scaled` gives counts where it is among the blocks' parameters; `dropout` is the
    share of its inputs that is left out, if keys are there too. `noise_btd` is added to the embeddings.
    """
    definition, names = _definition(model)
    x_btd = params["embedding"][tokens_bt].astype(compute_dtype)
    x_btd = constrain(x_btd if noise_btd is None else x_btd + noise_btd.astype(compute_dtype), "embedded")

    def layer(
        x_btd: jax.Array, segment_ids: jax.Array, positions: jax.Array, one_layer: Params, own: Attend | None = None
    ) -> tuple[jax.Array, Routing | None]:
        block = nnx.merge(definition, {name: thaw(one_layer[name]) for name in names})
        drop = dropping(one_layer.get(DROPOUT_KEYS), dropout)
        return block(x_btd, segment_ids, positions, model, own or attend, constrain, dispatch, matmul, one_layer, drop)

    x_btd, routing = through(layer, remat, x_btd, segment_ids_bt, positions_bt, params["blocks"])
    return rms_norm(x_btd, params["norm"], model.norm_epsilon), routing


def output_matrix(params: Params) -> jax.Array:
    """[D, V]: the output matrix, or the embedding transposed where they are tied."""
    output: jax.Array = params["output"] if "output" in params else params["embedding"].T
    return output
