"""Forward pass with a cache of keys and values in pages (Kwon et al. 2023), whose results do not depend on other rows.

Two things make a row's results independent of the rows beside it: every row has pages of its own, and sums are taken in
an order that does not depend on the shape of the array (`sum_by_halves`). What is left to the compiler, such as the
products with weights, is checked when programs are made (`executor.py`).
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.remat import Remat
from tanuki_jax.lm.model.transformer import Group, Layer, LayerParams, Ops, hidden_states, output_matrix, plain_matmul
from tanuki_jax.lm.model.weights import Params

SPARE_PAGE = 0
"""Page to which rows write that hold no token; nobody reads it."""


class PagedCache(NamedTuple):
    """Keys and values of all layers, [L, P, K, S, Dh]: P pages of S tokens, S a power of two."""

    k: jax.Array
    v: jax.Array

    @property
    def page(self) -> int:
        """Tokens of a page."""
        return int(self.k.shape[3])


type Write = Callable[[jax.Array, jax.Array, jax.Array], jax.Array]
"""(pages [L, P, K, S, Dh], number of a layer, new keys or values [B, T, K, Dh]) -> the pages with them."""


def empty_cache(model: Model, pages: int, page: int, dtype: str) -> PagedCache:
    """Return a cache of zeros with room for `pages` pages of `page` tokens."""
    shape = (model.layers, pages, model.kv_heads, page, model.head_dim)
    return PagedCache(jnp.zeros(shape, dtype), jnp.zeros(shape, dtype))


def extend_rows(
    params: Params,
    tokens_b: jax.Array,
    positions_b: jax.Array,
    active_b: jax.Array,
    tables_bp: jax.Array,
    cache: PagedCache,
    model: Model,
) -> tuple[jax.Array, PagedCache]:
    """Add one token to each row: return the final states, [B, D], and the cache with the tokens.

    Args:
        params: parameters of the model; activations are computed in their dtype.
        tokens_b: int32[B].
        positions_b: int32[B], position of each token in its row.
        active_b: bool[B]; other rows are padding: they do not route, and their states have no meaning.
        tables_bp: int32[B, P], pages of each row, in order.
        cache: keys and values of all earlier tokens.
        model: shape of the model.
    """
    pages_b = jnp.take_along_axis(tables_bp, positions_b[:, None] // cache.page, axis=1)[:, 0]
    pages_b, places_b = jnp.where(active_b, pages_b, SPARE_PAGE), positions_b % cache.page

    def write(pages: jax.Array, layer: jax.Array, new_b1kd: jax.Array) -> jax.Array:
        return pages.at[layer, pages_b, :, places_b].set(new_b1kd[:, 0])

    ids_b1 = active_b.astype(jnp.int32)[:, None]
    states_b1d, cache = _states(params, tokens_b[:, None], ids_b1, positions_b[:, None], tables_bp, cache, model, write)
    return states_b1d[:, 0], cache


def extend_one(
    params: Params,
    tokens_t: jax.Array,
    length: jax.Array,
    start: jax.Array,
    table_p: jax.Array,
    cache: PagedCache,
    model: Model,
) -> tuple[jax.Array, PagedCache]:
    """Add up to a page of tokens to one row: return their final states, [T, D], and the cache with the tokens.

    Args:
        params: parameters of the model.
        tokens_t: int32[T], at most a page; ids from `length` on are padding.
        length: int32[], number of tokens.
        start: int32[], position of the first token, at which a page begins.
        table_p: int32[P], pages of the row.
        cache: keys and values of all earlier tokens.
        model: shape of the model.
    """
    positions_1t = (start + jnp.arange(len(tokens_t)))[None]
    page = table_p[start // cache.page]

    def write(pages: jax.Array, layer: jax.Array, new_1tkd: jax.Array) -> jax.Array:
        block = new_1tkd.swapaxes(1, 2)[None]  # [1, 1, K, T, Dh]
        return jax.lax.dynamic_update_slice(pages, block, (layer, page, 0, 0, 0))

    ids_1t = (jnp.arange(len(tokens_t)) < length).astype(jnp.int32)[None]
    states_1td, cache = _states(params, tokens_t[None], ids_1t, positions_1t, table_p[None], cache, model, write)
    return states_1td[0], cache


def logits(params: Params, states_nd: jax.Array) -> jax.Array:
    """Return the logits of the next token, float32[N, V]."""
    rows = len(states_nd)
    return jnp.einsum("nd,dv->nv", _two(states_nd), output_matrix(params), preferred_element_type=jnp.float32)[:rows]


def _two(x: jax.Array) -> jax.Array:
    """Return one row as two that are equal: libraries multiply a vector by a matrix in another order than matrices."""
    return jax.lax.optimization_barrier(jnp.concatenate([x, x])) if len(x) == 1 else x


def _matmul(x: jax.Array, weights: Sequence[jax.Array], axes: int) -> Sequence[jax.Array]:
    """Compute a `Matmul` whose results for one row are those that it has among others."""
    return [product[: len(x)] for product in plain_matmul(_two(x) if x.shape[1] == 1 else x, weights, axes)]


def _states(
    params: Params,
    tokens_bt: jax.Array,
    ids_bt: jax.Array,
    positions_bt: jax.Array,
    tables_bp: jax.Array,
    cache: PagedCache,
    model: Model,
    write: Write,
) -> tuple[jax.Array, PagedCache]:
    def run_layers(
        groups: Sequence[Group], remat: Remat, x_btd: jax.Array, ids: jax.Array, positions: jax.Array
    ) -> Any:
        carry, first = (x_btd, cache), 0
        for group, kind in zip(groups, model.groups, strict=True):
            step = partial(_layer_step, group.layer, ids, positions, tables_bp, write)
            carry, _ = jax.lax.scan(step, carry, (group.params, jnp.arange(first, first + kind.layers)))
            first += kind.layers
        return carry

    dtype, ops = params["embedding"].dtype.name, Ops(run_layers=run_layers, matmul=_matmul)
    states_btd, after = hidden_states(params, tokens_bt, ids_bt, positions_bt, model, ops, compute_dtype=dtype)
    return states_btd, after  # type: ignore[return-value]  # what run_layers returns beside the states


def _layer_step(
    layer: Layer,
    ids: jax.Array,
    positions: jax.Array,
    tables_bp: jax.Array,
    write: Write,
    carry: tuple[jax.Array, PagedCache],
    one: tuple[LayerParams, jax.Array],
) -> tuple[tuple[jax.Array, PagedCache], None]:
    (x_btd, cache), (params, number) = carry, one
    kept = {"cache": cache}

    def attend(
        q: jax.Array, k: jax.Array, v: jax.Array, ids: jax.Array, positions: jax.Array, window: int | None = None
    ) -> jax.Array:
        kept["cache"] = new = PagedCache(write(cache.k, number, k), write(cache.v, number, v))
        return _attention(q, new, number, tables_bp, positions, window)

    x_btd, _ = layer(x_btd, ids, positions, params, attend)
    return (x_btd, kept["cache"]), None


class _Softmax(NamedTuple):
    """Running softmax of scores (Milakov and Gimelshein 2018): maximum, sum, and weighted values so far."""

    most_nr: jax.Array
    total_nr: jax.Array
    values_nrd: jax.Array


def _attention(
    q_bthd: jax.Array,
    cache: PagedCache,
    layer: jax.Array,
    tables_bp: jax.Array,
    positions_bt: jax.Array,
    window: int | None,
) -> jax.Array:
    """Return attention of each query to the tokens up to its own, page by page, with float32 scores.

    The loop ends with the longest row's last page. A page of which a row sees nothing changes no bit of the row.
    """
    batch, time, heads, dim = q_bthd.shape
    kv_heads, page = cache.k.shape[2:4]
    # Sequences n are pairs of a row and a head of the keys, their queries r pairs of a time and a head. One batch dim
    # and this order of operands give the same products, without transposes, for any number of rows.
    grouped = (batch, time, kv_heads, heads // kv_heads)
    q_nrd = q_bthd.reshape(*grouped, dim).swapaxes(1, 2).reshape(batch * kv_heads, -1, dim)
    positions_nr = jnp.broadcast_to(positions_bt[..., None, None], grouped).swapaxes(1, 2).reshape(q_nrd.shape[:2])
    product = partial(jax.lax.dot_general, preferred_element_type=jnp.float32)

    def add_page(number: jax.Array, sofar: _Softmax) -> _Softmax:
        pages_b = tables_bp[:, number]
        k_nsd, v_nsd = (part[layer, pages_b].reshape(-1, page, dim) for part in cache)
        scores_nrs = product(q_nrd, k_nsd, (((2,), (2,)), ((0,), (0,)))) * dim**-0.5
        behind_nrs = positions_nr[..., None] - (number * page + jnp.arange(page))
        seen_nrs = behind_nrs >= 0 if window is None else (behind_nrs >= 0) & (behind_nrs < window)
        scores_nrs = jnp.where(seen_nrs, scores_nrs, -jnp.inf)
        most_nr = jnp.maximum(sofar.most_nr, scores_nrs.max(axis=-1))
        shift_nr = jnp.where(jnp.isfinite(most_nr), most_nr, 0)  # nothing seen yet: -inf minus -inf would be NaN
        weights_nrs, before_nr = jnp.exp(scores_nrs - shift_nr[..., None]), jnp.exp(sofar.most_nr - shift_nr)
        values_nrd = product(weights_nrs.astype(v_nsd.dtype), v_nsd, (((2,), (1,)), ((0,), (0,))))
        return _Softmax(
            most_nr,
            sofar.total_nr * before_nr + sum_by_halves(weights_nrs),
            sofar.values_nrd * before_nr[..., None] + values_nrd,
        )

    nothing_nr = jnp.zeros(q_nrd.shape[:2])
    empty = _Softmax(nothing_nr - jnp.inf, nothing_nr, jnp.zeros(q_nrd.shape))
    result = jax.lax.fori_loop(0, jnp.max(positions_bt) // page + 1, add_page, empty)
    mixed_nrd = result.values_nrd / result.total_nr[..., None]
    mixed_btkgd = mixed_nrd.reshape(batch, kv_heads, time, -1, dim).swapaxes(1, 2)
    return mixed_btkgd.reshape(q_bthd.shape).astype(q_bthd.dtype)


def sum_by_halves(x: jax.Array) -> jax.Array:
    """Sum the last axis in an order that does not depend on the other axes: zeros fill it to a power of two, and halves
    are added until one number is left."""
    size = 1 << (x.shape[-1] - 1).bit_length()
    x = jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, size - x.shape[-1])])
    while x.shape[-1] > 1:
        half = x.shape[-1] // 2
        x = x[..., :half] + x[..., half:]
    return x[..., 0]
