"""Rows of tokens that grow, several steps in one compiled loop."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tanuki_jax.config.model import Model
from tanuki_jax.inference.cache import Cache, extend, prefill
from tanuki_jax.inference.sample import Sampling, choose
from tanuki_jax.lm.model.weights import Params

SMALLEST_BUCKET = 32


class Rows(NamedTuple):
    """B rows on their way."""

    cache: Cache
    tokens_bs: jax.Array
    """int32[B, S]: prompts and what was written after them."""
    lengths_b: jax.Array
    """int32[B], tokens of each."""
    ended_b: jax.Array
    """bool[B]."""
    logits_bv: jax.Array
    """float32[B, V], of the next token."""
    seen_bv: jax.Array
    """bool[B, V], which tokens are in each row."""
    step: jax.Array
    """int32[], steps so far."""


def bucket(length: int, limit: int) -> int:
    """The least power of two that holds so many tokens, or the limit: so that few programs are compiled."""
    size = SMALLEST_BUCKET
    while size < length:
        size *= 2
    return min(size, limit)


def shape(longest: int, tokens: int, limit: int) -> tuple[int, int]:
    """Places for prompts of up to `longest` tokens, and for them with `tokens` more: what programs are compiled for, beside the rows."""
    return bucket(longest, limit), bucket(min(longest + tokens, limit), limit)


def begin(params: Params, prompts: Sequence[Sequence[int]], tokens: int, model: Model, limit: int) -> Rows:
    """Rows that hold prompts, and have room for so many tokens more or up to the limit.

    Args:
        params: of the model.
        prompts: at least one id each, fewer than the limit.
        tokens: new ones at the most.
        model: shape of the model.
        limit: most tokens of a row.
    """
    time, slots = shape(max(map(len, prompts)), tokens, limit)
    buffer = np.zeros((len(prompts), time), np.int32)
    for line, prompt in zip(buffer, prompts, strict=True):
        line[: len(prompt)] = prompt
    lengths = np.array([len(prompt) for prompt in prompts], np.int32)
    return _begin(params, jnp.asarray(buffer), jnp.asarray(lengths), model=model, slots=slots)


@functools.partial(jax.jit, static_argnames=("model", "slots"))
def _begin(params: Params, tokens_bt: jax.Array, lengths_b: jax.Array, *, model: Model, slots: int) -> Rows:
    logits_bv, cache = prefill(params, tokens_bt, lengths_b, model, slots)
    rows, time = tokens_bt.shape
    real_bt = jnp.arange(time) < lengths_b[:, None]
    seen_bv = jnp.zeros(logits_bv.shape, bool).at[jnp.arange(rows)[:, None], tokens_bt].max(real_bt)
    return Rows(
        cache=cache,
        tokens_bs=jnp.pad(jnp.where(real_bt, tokens_bt, 0), ((0, 0), (0, slots - time))),
        lengths_b=lengths_b,
        ended_b=lengths_b >= slots,
        logits_bv=logits_bv,
        seen_bv=seen_bv,
        step=jnp.zeros((), jnp.int32),
    )


@functools.partial(jax.jit, static_argnames=("model", "sampling", "ends"), donate_argnames="rows")
def grow(
    params: Params,
    rows: Rows,
    keys_b: jax.Array,
    count: jax.Array,
    *,
    model: Model,
    sampling: Sampling,
    ends: tuple[int, ...],
) -> Rows:
    """The rows with up to `count` tokens more each.

    A row ends before a token that ends it, which is not written, or where its slots do. What it draws depends on its key and the step
    alone.

    Args:
        params: of the model.
        rows: gone afterwards.
        keys_b: for all draws of each row, the same in all calls.
        count: int32[].
        model: shape of the model.
        sampling: how tokens are chosen.
        ends: ids that end a row.
    """
    indices, slots, stop = jnp.arange(len(rows.lengths_b)), rows.tokens_bs.shape[1], rows.step + count

    def unfinished(rows: Rows) -> jax.Array:
        return (rows.step < stop) & ~rows.ended_b.all()

    def one(rows: Rows) -> Rows:
        draws_b = jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys_b, rows.step)
        chosen_b = choose(rows.logits_bv, rows.seen_bv, draws_b, sampling)
        ended_b = rows.ended_b | jnp.isin(chosen_b, jnp.array(ends, jnp.int32))
        old_b = rows.tokens_bs[indices, rows.lengths_b]
        tokens_bs = rows.tokens_bs.at[indices, rows.lengths_b].set(jnp.where(ended_b, old_b, chosen_b))
        logits_bv, cache = extend(params, chosen_b, jnp.minimum(rows.lengths_b, slots - 1), ~ended_b, rows.cache, model)
        lengths_b = rows.lengths_b + ~ended_b
        seen_bv = rows.seen_bv.at[indices, chosen_b].max(~ended_b)
        return Rows(cache, tokens_bs, lengths_b, ended_b | (lengths_b >= slots), logits_bv, seen_bv, rows.step + 1)

    return jax.lax.while_loop(unfinished, one, rows)
