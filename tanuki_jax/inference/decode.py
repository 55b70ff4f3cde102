"""Decoding: rows of tokens to which a compiled loop adds several tokens a call."""

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
"""Fewest slots that a program is compiled for."""


class Rows(NamedTuple):
    """State of B rows between two calls."""

    cache: Cache
    tokens_bs: jax.Array
    """int32[B, S]: prompts and the tokens generated after them."""
    lengths_b: jax.Array
    """int32[B], number of tokens in each row."""
    ended_b: jax.Array
    """bool[B], whether a row has ended."""
    logits_bv: jax.Array
    """float32[B, V], logits of the next token."""
    seen_bv: jax.Array
    """bool[B, V], tokens that each row contains, for the repetition penalty."""
    step: jax.Array
    """int32[], number of steps so far."""


def bucket(length: int, limit: int) -> int:
    """Return the least power of two that holds `length` tokens, up to the limit, so that few programs are compiled."""
    size = SMALLEST_BUCKET
    while size < length:
        size *= 2
    return min(size, limit)


def compiled_shape(longest: int, tokens: int, limit: int) -> tuple[int, int]:
    """Return (prompt bucket, cache slots): the shapes that a program is compiled for, besides the number of rows.

    Args:
        longest: tokens of the longest prompt.
        tokens: most new tokens.
        limit: most tokens of a row.
    """
    return bucket(longest, limit), bucket(min(longest + tokens, limit), limit)


def init_rows(params: Params, prompts: Sequence[Sequence[int]], tokens: int, model: Model, limit: int) -> Rows:
    """Return rows that hold the prompts, and slots for `tokens` new tokens or up to the limit.

    Args:
        params: parameters of the model.
        prompts: ids, at least one each and fewer than the limit.
        tokens: most new tokens.
        model: shape of the model.
        limit: most tokens of a row.
    """
    time, slots = compiled_shape(max(map(len, prompts)), tokens, limit)
    buffer = np.zeros((len(prompts), time), np.int32)
    for line, prompt in zip(buffer, prompts, strict=True):
        line[: len(prompt)] = prompt
    lengths = np.array([len(prompt) for prompt in prompts], np.int32)
    return _init_rows(params, jnp.asarray(buffer), jnp.asarray(lengths), model=model, slots=slots)


@functools.partial(jax.jit, static_argnames=("model", "slots"))
def _init_rows(params: Params, tokens_bt: jax.Array, lengths_b: jax.Array, *, model: Model, slots: int) -> Rows:
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


@functools.partial(jax.jit, static_argnames=("model", "sampling", "end_ids"), donate_argnames="rows")
def decode_tokens(
    params: Params,
    rows: Rows,
    keys_b: jax.Array,
    count: jax.Array,
    *,
    model: Model,
    sampling: Sampling,
    end_ids: tuple[int, ...],
) -> Rows:
    """Return the rows with up to `count` more tokens each.

    A row ends before a token of `end_ids`, which is left out, or when its slots are full. Its random numbers depend on
    its key and the step alone.

    Args:
        params: parameters of the model.
        rows: donated; not usable afterwards.
        keys_b: random key of each row, the same in all calls.
        count: int32[].
        model: shape of the model.
        sampling: how tokens are chosen.
        end_ids: ids that end a row.
    """
    indices, slots, stop = jnp.arange(len(rows.lengths_b)), rows.tokens_bs.shape[1], rows.step + count

    def unfinished(rows: Rows) -> jax.Array:
        return (rows.step < stop) & ~rows.ended_b.all()

    def add_token(rows: Rows) -> Rows:
        step_keys_b = jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys_b, rows.step)
        chosen_b = choose(rows.logits_bv, rows.seen_bv, step_keys_b, sampling)
        ended_b = rows.ended_b | jnp.isin(chosen_b, jnp.array(end_ids, jnp.int32))
        # An ended row writes back what its slot holds, and its length does not grow.
        old_b = rows.tokens_bs[indices, rows.lengths_b]
        tokens_bs = rows.tokens_bs.at[indices, rows.lengths_b].set(jnp.where(ended_b, old_b, chosen_b))
        logits_bv, cache = extend(params, chosen_b, jnp.minimum(rows.lengths_b, slots - 1), ~ended_b, rows.cache, model)
        lengths_b = rows.lengths_b + ~ended_b
        seen_bv = rows.seen_bv.at[indices, chosen_b].max(~ended_b)
        return Rows(cache, tokens_bs, lengths_b, ended_b | (lengths_b >= slots), logits_bv, seen_bv, rows.step + 1)

    return jax.lax.while_loop(unfinished, add_token, rows)
