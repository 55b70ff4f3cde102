"""Forward pass with a cache of keys and values: a prompt at once, then token by token."""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.model import Model
from tanuki_jax.lm.kernels.attention.attention import Backend, choose, self_attention
from tanuki_jax.lm.model.remat import Remat
from tanuki_jax.lm.model.transformer import Group, Layer, LayerParams, Ops, hidden_states, output_matrix
from tanuki_jax.lm.model.weights import Params


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

    def run_layers(
        groups: Sequence[Group], remat: Remat, x_btd: jax.Array, ids: jax.Array, positions: jax.Array
    ) -> Any:
        caches = []
        for group in groups:

            def step(x_btd: jax.Array, params: LayerParams, layer: Layer = group.layer) -> tuple[jax.Array, Cache]:
                kept: dict[str, jax.Array] = {}

                def attend(
                    q: jax.Array,
                    k: jax.Array,
                    v: jax.Array,
                    ids: jax.Array,
                    positions: jax.Array,
                    window: int | None = None,
                ) -> jax.Array:
                    kept.update(k=k.swapaxes(1, 2), v=v.swapaxes(1, 2))
                    backend = _backend(q.dtype, q.shape[1], q.shape[3])
                    return self_attention(q, k, v, ids, positions, window, backend=backend)

                x_btd, _ = layer(x_btd, ids, positions, params, attend)
                padding = ((0, 0), (0, 0), (0, slots - time), (0, 0))
                return x_btd, Cache(**{name: jnp.pad(x, padding) for name, x in kept.items()})

            x_btd, cache = jax.lax.scan(step, x_btd, group.params)
            caches.append(cache)
        return x_btd, jax.tree.map(lambda *parts: jnp.concatenate(parts), *caches)

    states_btd, cache = _states(params, tokens_bt, real_bt.astype(jnp.int32), positions, model, run_layers)
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
    rows = jnp.arange(len(tokens_b))

    def run_layers(
        groups: Sequence[Group], remat: Remat, x_btd: jax.Array, ids: jax.Array, positions: jax.Array
    ) -> Any:
        carry, first = (x_btd, cache), 0
        for group, kind in zip(groups, model.groups, strict=True):

            def step(
                carry: tuple[jax.Array, Cache], one: tuple[LayerParams, jax.Array], layer: Layer = group.layer
            ) -> tuple[tuple[jax.Array, Cache], None]:
                (x_btd, cache), (params, number) = carry, one
                kept = {"cache": cache}

                def attend(
                    q: jax.Array,
                    k: jax.Array,
                    v: jax.Array,
                    ids: jax.Array,
                    positions: jax.Array,
                    window: int | None = None,
                ) -> jax.Array:
                    parts = zip(cache, (k, v), strict=True)
                    new = Cache(*(slots.at[number, rows, :, positions_b].set(x[:, 0]) for slots, x in parts))
                    kept["cache"] = new
                    return _attention(q, new.k[number], new.v[number], positions_b, window)

                x_btd, _ = layer(x_btd, ids, positions, params, attend)
                return (x_btd, kept["cache"]), None

            carry, _ = jax.lax.scan(step, carry, (group.params, jnp.arange(first, first + kind.layers)))
            first += kind.layers
        return carry

    ids = active_b.astype(jnp.int32)[:, None]
    states_btd, cache_after = _states(params, tokens_b[:, None], ids, positions_b[:, None], model, run_layers)
    return _logits(params, states_btd[:, 0]), cache_after


def _backend(dtype: jnp.dtype, time: int, head_dim: int) -> Backend:
    """Return the fastest backend of this device, or plain JAX if no kernel fits: slower, but run once a prompt."""
    try:
        return choose(jax.devices()[0], dtype, time, head_dim)
    except InputError:
        return "chunked"


def _states(
    params: Params, tokens: jax.Array, ids: jax.Array, positions: jax.Array, model: Model, run_layers: Any
) -> tuple[jax.Array, Any]:
    dtype = params["embedding"].dtype.name
    return hidden_states(params, tokens, ids, positions, model, Ops(run_layers=run_layers), compute_dtype=dtype)


def _logits(params: Params, states_bd: jax.Array) -> jax.Array:
    return jnp.einsum("bd,dv->bv", states_bd, output_matrix(params), preferred_element_type=jnp.float32)


def _attention(
    q_b1hd: jax.Array, k_bksd: jax.Array, v_bksd: jax.Array, positions_b: jax.Array, window: int | None
) -> jax.Array:
    """Return attention of one query a row to the slots up to its own, with float32 scores."""
    batch, _, heads, dim = q_b1hd.shape
    kv_heads, slots = k_bksd.shape[1:3]
    product = functools.partial(jnp.einsum, preferred_element_type=jnp.float32)
    q_bkgd = q_b1hd.reshape(batch, kv_heads, heads // kv_heads, dim)
    scores_bkgs = product("bkgd,bksd->bkgs", q_bkgd, k_bksd) * dim**-0.5
    behind_bs = positions_b[:, None] - jnp.arange(slots)
    seen_bs = (behind_bs >= 0) & (behind_bs < (window or slots))
    weights_bkgs = jax.nn.softmax(jnp.where(seen_bs[:, None, None], scores_bkgs, -jnp.inf))
    return (
        product("bkgs,bksd->bkgd", weights_bkgs.astype(v_bksd.dtype), v_bksd).reshape(q_b1hd.shape).astype(q_b1hd.dtype)
    )
