"""Forward pass with a cache of keys and values: a prompt at once, then token by token."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.model import Model
from tanuki_jax.lm.kernels.attention.attention import Backend, choose, self_attention
from tanuki_jax.lm.model.remat import Remat
from tanuki_jax.lm.model.transformer import Layer, Params, hidden_states, output_matrix


class Cache(NamedTuple):
    """Keys and values of all layers, [L, B, K, S, Dh]; the token at position s of a row is in slot s."""

    k: jax.Array
    v: jax.Array


def prefill(
    params: Params, tokens_bt: jax.Array, lengths_b: jax.Array, model: Model, slots: int
) -> tuple[jax.Array, Cache]:
    """Return the logits of the token after each prompt, float32[B, V], and a cache of `slots` slots with the prompts.

    Args:
        params: parameters of the model; activations are computed in their dtype.
        tokens_bt: int32[B, T], prompts at the beginnings of rows; the ids after them are ignored.
        lengths_b: int32[B], at least 1.
        model: shape of the model.
        slots: at least T.
    """
    time = tokens_bt.shape[1]
    positions = jnp.broadcast_to(jnp.arange(time), tokens_bt.shape)
    real_bt = positions < lengths_b[:, None]

    def through(
        layer: Layer, remat: Remat, x_btd: jax.Array, ids: jax.Array, positions: jax.Array, blocks: Params
    ) -> Any:
        def step(x_btd: jax.Array, one_layer: Params) -> tuple[jax.Array, Cache]:
            kept: dict[str, jax.Array] = {}

            def attend(q: jax.Array, k: jax.Array, v: jax.Array, ids: jax.Array, positions: jax.Array) -> jax.Array:
                kept.update(k=k.swapaxes(1, 2), v=v.swapaxes(1, 2))
                return self_attention(q, k, v, ids, positions, backend=_backend(q.dtype, q.shape[1], q.shape[3]))

            x_btd, _ = layer(x_btd, ids, positions, one_layer, attend)
            return x_btd, Cache(
                **{name: jnp.pad(x, ((0, 0), (0, 0), (0, slots - time), (0, 0))) for name, x in kept.items()}
            )

        return jax.lax.scan(step, x_btd, blocks)

    states_btd, cache = _states(params, tokens_bt, real_bt.astype(jnp.int32), positions, model, through)
    return _logits(params, states_btd[jnp.arange(len(lengths_b)), lengths_b - 1]), cache


def extend(
    params: Params, tokens_b: jax.Array, positions_b: jax.Array, active_b: jax.Array, cache: Cache, model: Model
) -> tuple[jax.Array, Cache]:
    """Return the logits of the token after `tokens_b`, float32[B, V], and the cache with `tokens_b` added.

    Args:
        params: parameters of the model.
        tokens_b: int32[B], the next token of each row.
        positions_b: int32[B], position of that token, below the number of slots.
        active_b: bool[B]; other rows are padding: they do not route, and their logits have no meaning.
        cache: keys and values of all earlier tokens.
        model: shape of the model.
    """
    rows, layers = jnp.arange(len(tokens_b)), jnp.arange(model.layers)

    def through(
        layer: Layer, remat: Remat, x_btd: jax.Array, ids: jax.Array, positions: jax.Array, blocks: Params
    ) -> Any:
        def step(carry: tuple[jax.Array, Cache], one: tuple[Params, jax.Array]) -> tuple[tuple[jax.Array, Cache], None]:
            (x_btd, cache), (one_layer, number) = carry, one
            kept = {"cache": cache}

            def attend(q: jax.Array, k: jax.Array, v: jax.Array, ids: jax.Array, positions: jax.Array) -> jax.Array:
                new = Cache(
                    *(
                        slots.at[number, rows, :, positions_b].set(x[:, 0])
                        for slots, x in zip(cache, (k, v), strict=True)
                    )
                )
                kept["cache"] = new
                return _attention(q, new.k[number], new.v[number], positions_b)

            x_btd, _ = layer(x_btd, ids, positions, one_layer, attend)
            return (x_btd, kept["cache"]), None

        return jax.lax.scan(step, (x_btd, cache), (blocks, layers))[0]

    ids = active_b.astype(jnp.int32)[:, None]
    states_btd, cache = _states(params, tokens_b[:, None], ids, positions_b[:, None], model, through)
    return _logits(params, states_btd[:, 0]), cache


def _backend(dtype: jnp.dtype, time: int, head_dim: int) -> Backend:
    """Return the fastest backend of this device, or plain JAX if no kernel fits: slower, but run once a prompt."""
    try:
        return choose(jax.devices()[0], dtype, time, head_dim)
    except InputError:
        return "chunked"


def _states(
    params: Params, tokens: jax.Array, ids: jax.Array, positions: jax.Array, model: Model, through: Any
) -> tuple[jax.Array, Any]:
    return hidden_states(
        params,
        tokens,
        ids,
        positions,
        model,
        attend=self_attention,
        constrain=lambda x, axes: x,
        compute_dtype=params["embedding"].dtype.name,
        through=through,
    )


def _logits(params: Params, states_bd: jax.Array) -> jax.Array:
    return jnp.einsum("bd,dv->bv", states_bd, output_matrix(params), preferred_element_type=jnp.float32)


def _attention(q_b1hd: jax.Array, k_bksd: jax.Array, v_bksd: jax.Array, positions_b: jax.Array) -> jax.Array:
    """Return attention of one query a row to the slots up to its own, with float32 scores."""
    batch, _, heads, dim = q_b1hd.shape
    kv_heads, slots = k_bksd.shape[1:3]
    product = functools.partial(jnp.einsum, preferred_element_type=jnp.float32)
    q_bkgd = q_b1hd.reshape(batch, kv_heads, heads // kv_heads, dim)
    scores_bkgs = product("bkgd,bksd->bkgs", q_bkgd, k_bksd) * dim**-0.5
    seen_bs = jnp.arange(slots) <= positions_b[:, None]
    weights_bkgs = jax.nn.softmax(jnp.where(seen_bs[:, None, None], scores_bkgs, -jnp.inf))
    return (
        product("bkgs,bksd->bkgd", weights_bkgs.astype(v_bksd.dtype), v_bksd).reshape(q_b1hd.shape).astype(q_b1hd.dtype)
    )
