"""Tokens drawn from a model, as pure functions of parameters, tokens and a key.

There is no cache of keys and values yet: each new token costs a whole forward pass over a buffer of fixed size.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp

from tanuki_jax.config.model import Model
from tanuki_jax.kernels.attention.attention import self_attention
from tanuki_jax.model.llama import Params, hidden_states, output_matrix


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sampling:
    """How a token is chosen from the model's distribution."""

    temperature: float
    """Divides the logits; 0: the most probable token."""
    top_k: int = 0
    """How many of the most probable tokens may be chosen; 0: all."""
    vocabulary: int
    """Ids from here on are never chosen: rows of the embedding that the tokenizer does not use."""


def choose(logits_bv: jax.Array, keys_b: jax.Array, sampling: Sampling) -> jax.Array:
    """A token for each row, int32[B], of float32[B, V] logits and a key each."""
    usable = jnp.arange(logits_bv.shape[1]) < sampling.vocabulary
    logits_bv = jnp.where(usable, logits_bv, -jnp.inf)
    if sampling.temperature == 0:
        return jnp.argmax(logits_bv, axis=1).astype(jnp.int32)
    kept = min(sampling.top_k or sampling.vocabulary, sampling.vocabulary)
    logits_bk, tokens_bk = jax.lax.top_k(logits_bv, kept)
    places_b = jax.vmap(jax.random.categorical)(keys_b, logits_bk / sampling.temperature)
    return jnp.take_along_axis(tokens_bk, places_b[:, None], axis=1)[:, 0].astype(jnp.int32)


def next_logits(params: Params, tokens_bt: jax.Array, lengths_b: jax.Array, model: Model) -> jax.Array:
    """Logits of the token that follows each row, float32[B, V].

    Args:
        params: of the model; activations are computed in their type.
        tokens_bt: int32[B, T]; what stands after a row's length does not matter.
        lengths_b: int32[B], at least 1.
        model: shape of the model.
    """
    segment_ids = jnp.ones_like(tokens_bt)
    positions = jnp.broadcast_to(jnp.arange(tokens_bt.shape[1]), tokens_bt.shape)
    states_btd, _ = hidden_states(
        params,
        tokens_bt,
        segment_ids,
        positions,
        model,
        attend=self_attention,
        constrain=lambda x, axes: x,
        compute_dtype=params["embedding"].dtype.name,
    )
    last_bd = states_btd[jnp.arange(len(lengths_b)), lengths_b - 1]
    return jnp.einsum("bd,dv->bv", last_bd, output_matrix(params), preferred_element_type=jnp.float32)


@functools.partial(jax.jit, static_argnames=("model", "sampling", "count", "eod"))
def extend(
    params: Params, tokens_bt: jax.Array, lengths_b: jax.Array, key: jax.Array, *, model: Model, sampling: Sampling, count: int, eod: int
) -> tuple[jax.Array, jax.Array]:
    """Rows with up to `count` new tokens each, and their lengths.

    A row ends before an end-of-document token, which is not written, or where the buffer does. What it draws depends on the key, its
    index and the step alone.

    Args:
        params: of the model.
        tokens_bt: int32[B, T], rows that begin with their prompts.
        lengths_b: int32[B], tokens in each prompt, at least 1 and less than T.
        key: for all draws.
        model: shape of the model.
        sampling: how tokens are chosen.
        count: largest number of new tokens.
        eod: the id that ends a document.
    """
    rows = jnp.arange(len(lengths_b))

    def unfinished(carry: tuple[jax.Array, jax.Array, jax.Array, jax.Array]) -> jax.Array:
        step, _, _, ended_b = carry
        return (step < count) & ~ended_b.all()

    def draw(carry: tuple[jax.Array, jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
        step, tokens_bt, lengths_b, ended_b = carry
        keys_b = jax.vmap(lambda row: jax.random.fold_in(jax.random.fold_in(key, row), step))(rows)
        chosen_b = choose(next_logits(params, tokens_bt, lengths_b, model), keys_b, sampling)
        ended_b |= chosen_b == eod
        old_b = tokens_bt[rows, lengths_b]
        tokens_bt = tokens_bt.at[rows, lengths_b].set(jnp.where(ended_b, old_b, chosen_b))
        lengths_b += ~ended_b
        return step + 1, tokens_bt, lengths_b, ended_b | (lengths_b == tokens_bt.shape[1])

    start = (jnp.zeros((), jnp.int32), tokens_bt, lengths_b, jnp.zeros(len(lengths_b), bool))
    _, tokens_bt, lengths_b, _ = jax.lax.while_loop(unfinished, draw, start)
    return tokens_bt, lengths_b
