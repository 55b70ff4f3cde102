"""Programs of an engine: read a part of a prompt, decode some rows, score places of a text. They donate the cache."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from tanuki_jax.config.model import Model
from tanuki_jax.inference.engine.job import MOST_ALTERNATIVES
from tanuki_jax.inference.engine.paged_forward import PagedCache, extend_one, extend_rows, logits, sum_by_halves
from tanuki_jax.inference.engine.penalties import Penalties, TokenCounts, count_tokens, penalize
from tanuki_jax.inference.engine.row_choice import RowOptions, choose_by_row
from tanuki_jax.lm.model.weights import Params

MOST_STEPS = 16
"""Most tokens that a call adds to a row."""
NOTHING = -1
"""Stands in a result where a row got no token."""


NO_PENALTIES = (1.0, 0.0, 0.0)
"""Penalties that change nothing."""


class Row(NamedTuple):
    """One row, as far as a program needs to know it."""

    token: int
    """Last token, whose keys and values are not in the cache yet."""
    position: int
    """Place of this token."""
    left: int
    """Most tokens to add; 0: padding."""
    seed: int
    choice: int
    top_k: int
    temperature: float
    top_p: float
    min_p: float
    table: npt.NDArray[np.int32]
    """int32[P], pages in order; 0 where there are none."""
    penalties: tuple[float, float, float] = NO_PENALTIES
    """Penalties of repetition, presence and frequency."""
    prompt: int = 0
    """Tokens of the prompt, at the beginning of `ids`."""
    ids: Sequence[int] = ()
    """Tokens so far, if there are penalties."""


class Scores(NamedTuple):
    """Log-probabilities at N places."""

    logprob_n: jax.Array
    top_nk: jax.Array
    """int32[N, k], most probable ids."""
    top_logprob_nk: jax.Array


class Arrays(NamedTuple):
    """Rows as few arrays, since each array costs time to hand over."""

    ints_bn: npt.NDArray[np.int32]
    floats_bn: npt.NDArray[np.float32]
    ids_bl: npt.NDArray[np.int32] | None
    """Tokens so far of rows with penalties, NOTHING behind them and in other rows; None: no row has penalties."""

    @staticmethod
    def of(rows: Sequence[Row], count: int, longest: int) -> "Arrays":
        """Return the rows, and behind them padding up to `count`.

        Args:
            rows: at least one.
            count: rows of the arrays.
            longest: most tokens of a row.
        """
        ints = np.zeros((count, _TABLE + len(rows[0].table)), np.int32)
        floats = np.zeros((count, 6), np.float32)
        ids = np.full((count, longest), NOTHING, np.int32) if any(row.ids for row in rows) else None
        for number, row in enumerate(rows):
            low, high = row.seed & 0xFFFFFFFF, row.seed >> 32
            words = np.array([low, high, row.choice], np.uint32).view(np.int32)
            ints[number, :_TABLE] = (row.token, row.position, row.left, *words, row.top_k, row.prompt)
            ints[number, _TABLE:] = row.table
            floats[number] = (row.temperature, row.top_p, row.min_p, *row.penalties)
            if ids is not None:
                ids[number, : len(row.ids)] = row.ids
        floats[len(rows) :] = (0, 1, 0, *NO_PENALTIES)
        return Arrays(ints, floats, ids)


_TABLE = 8
"""Number of integers before the table of pages."""


def _options(ints_bn: jax.Array, floats_bn: jax.Array) -> RowOptions:
    def key(words: jax.Array) -> jax.Array:
        low, high, choice = jax.lax.bitcast_convert_type(words, jnp.uint32)
        return jax.random.fold_in(jax.random.fold_in(jax.random.key(low), high), choice)

    temperature_b, top_p_b, min_p_b = floats_bn[:, :3].T
    return RowOptions(temperature_b, ints_bn[:, 6], top_p_b, min_p_b, jax.vmap(key)(ints_bn[:, 3:6]))


def _counts(ints_bn: jax.Array, ids_bl: jax.Array, penalties: Penalties, vocabulary: int) -> TokenCounts:
    """Return counts of the tokens so far if a row has penalties, else zeros: scattering is slow on CPUs."""
    new_bl = jnp.arange(ids_bl.shape[1]) >= ints_bn[:, 7:8]
    zeros_bv = jnp.zeros((len(ids_bl), vocabulary), jnp.int32)
    nothing = TokenCounts(zeros_bv, zeros_bv)
    return jax.lax.cond(penalties.any(), lambda: count_tokens(ids_bl, new_bl, vocabulary), lambda: nothing)


class _Decoding(NamedTuple):
    """State of the loop that decodes B rows."""

    step: jax.Array
    token_b: jax.Array
    position_b: jax.Array
    left_b: jax.Array
    added_bs: jax.Array
    cache: PagedCache
    logits_bv: jax.Array


def decode(
    params: Params,
    cache: PagedCache,
    ints_bn: jax.Array,
    floats_bn: jax.Array,
    ids_bl: jax.Array,
    steps: jax.Array,
    *,
    model: Model,
    vocabulary: int,
    end_ids: tuple[int, ...],
) -> tuple[PagedCache, jax.Array, jax.Array]:
    """Add up to `steps` tokens to each row, fewer where one of `end_ids` comes or `left` is used up.

    Returns:
        The cache; the tokens, int32[B, MOST_STEPS], an end among them, and NOTHING after the last; and the last logits,
        float32[B, V].
    """
    tables_bp, options = ints_bn[:, _TABLE:], _options(ints_bn, floats_bn)
    penalties = Penalties(*floats_bn[:, 3:].T)
    counts = _counts(ints_bn, ids_bl, penalties, model.vocabulary)

    def unfinished(state: _Decoding) -> jax.Array:
        return (state.step < steps) & jnp.any(state.left_b > 0)

    def add(state: _Decoding) -> _Decoding:
        active_b = state.left_b > 0
        states_bd, cache = extend_rows(params, state.token_b, state.position_b, active_b, tables_bp, state.cache, model)
        logits_bv = logits(params, states_bd)
        changed_bv = penalize(logits_bv, penalties, counts, state.added_bs)
        allowed_bv = jnp.where(jnp.arange(model.vocabulary) < vocabulary, changed_bv, -jnp.inf)
        chosen_b = choose_by_row(allowed_bv, options, state.position_b)
        left_b = jnp.where(jnp.isin(chosen_b, jnp.array(end_ids, jnp.int32)), 0, state.left_b - active_b)
        goes_on_b = left_b > 0  # the position of a row that has ended stays inside its table
        return _Decoding(
            step=state.step + 1,
            token_b=jnp.where(goes_on_b, chosen_b, state.token_b),
            position_b=state.position_b + goes_on_b,
            left_b=left_b,
            added_bs=state.added_bs.at[:, state.step].set(jnp.where(active_b, chosen_b, NOTHING)),
            cache=cache,
            logits_bv=logits_bv,
        )

    rows = len(ints_bn)
    first = _Decoding(
        step=jnp.int32(0),
        token_b=ints_bn[:, 0],
        position_b=ints_bn[:, 1],
        left_b=ints_bn[:, 2],
        added_bs=jnp.full((rows, MOST_STEPS), NOTHING),
        cache=cache,
        logits_bv=jnp.zeros((rows, model.vocabulary)),
    )
    last = jax.lax.while_loop(unfinished, add, first)
    return last.cache, last.added_bs, last.logits_bv


def decode_detailed(
    params: Params,
    cache: PagedCache,
    ints_bn: jax.Array,
    floats_bn: jax.Array,
    ids_bl: jax.Array,
    bias_bv: jax.Array,
    *,
    model: Model,
    vocabulary: int,
) -> tuple[PagedCache, jax.Array, Scores]:
    """Add one token to each row, of logits that the host changes.

    Args:
        params: parameters of the model.
        cache: donated.
        ints_bn: rows.
        floats_bn: rows.
        ids_bl: rows.
        bias_bv: float32[B, V], added to the logits after penalties; -inf: not allowed.
        model: shape of the model.
        vocabulary: number of ids that may be chosen.

    Returns:
        The cache, the tokens, int32[B], and scores of the unchanged logits.
    """
    active_b = ints_bn[:, 2] > 0
    states_bd, cache = extend_rows(params, ints_bn[:, 0], ints_bn[:, 1], active_b, ints_bn[:, _TABLE:], cache, model)
    logits_bv = logits(params, states_bd)
    penalties = Penalties(*floats_bn[:, 3:].T)
    counts = _counts(ints_bn, ids_bl, penalties, model.vocabulary)
    nothing_added = jnp.full((len(ints_bn), 1), NOTHING)
    changed_bv = penalize(logits_bv, penalties, counts, nothing_added) + bias_bv
    allowed_bv = jnp.where(jnp.arange(model.vocabulary) < vocabulary, changed_bv, -jnp.inf)
    chosen_b = choose_by_row(allowed_bv, _options(ints_bn, floats_bn), ints_bn[:, 1])
    return cache, chosen_b, _scores(logits_bv, chosen_b, vocabulary)


def read(
    params: Params,
    cache: PagedCache,
    tokens_t: jax.Array,
    length: jax.Array,
    start: jax.Array,
    table_p: jax.Array,
    *,
    model: Model,
) -> tuple[PagedCache, jax.Array]:
    """Read a part of a prompt, as `extend_one` does; return the cache and the states, [T, D]."""
    states_td, cache = extend_one(params, tokens_t, length, start, table_p, cache, model)
    return cache, states_td


@functools.partial(jax.jit, static_argnames="vocabulary")
def score(params: Params, states_td: jax.Array, next_t: jax.Array, *, vocabulary: int) -> Scores:
    """Return the scores of the tokens `next_t` [T] that follow each state."""
    return _scores(logits(params, states_td), next_t, vocabulary)


@jax.jit
def sum_states(states_td: jax.Array, length: jax.Array) -> jax.Array:
    """Return the sum of the first `length` states, float32[D]."""
    real_t1 = (jnp.arange(len(states_td)) < length)[:, None]
    return jnp.where(real_t1, states_td.astype(jnp.float32), 0).sum(axis=0)


def _scores(logits_nv: jax.Array, tokens_n: jax.Array, vocabulary: int) -> Scores:
    most_n1 = logits_nv.max(axis=1, keepdims=True)
    logprobs_nv = logits_nv - most_n1 - jnp.log(sum_by_halves(jnp.exp(logits_nv - most_n1)))[:, None]
    logprob_n = jnp.take_along_axis(logprobs_nv, tokens_n[:, None], axis=1)[:, 0]
    valid_nv = jnp.where(jnp.arange(logits_nv.shape[1]) < vocabulary, logprobs_nv, -jnp.inf)
    top_logprob_nk, top_nk = jax.lax.top_k(valid_nv, min(MOST_ALTERNATIVES, vocabulary))
    return Scores(logprob_n, top_nk, top_logprob_nk)
