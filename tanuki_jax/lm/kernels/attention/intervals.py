"""Which keys each query sees, as an interval, and which tiles of keys and queries therefore have to meet.

The kernels that skip tiles ask of a row what packing makes of it: segment ids ascend, padding (0) comes last, and positions ascend
inside a segment. Then the keys that a query sees lie side by side, whatever causality, window and packing hide.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

LARGEST = 2**31 - 1


class Intervals(NamedTuple):
    """The keys from `first` to `last` are those that a query sees; none if `last < first`."""

    first: jax.Array
    """int32[B, T]."""
    last: jax.Array
    """int32[B, T]."""


def intervals(
    q_segment_ids: jax.Array,
    kv_segment_ids: jax.Array,
    q_positions: jax.Array,
    kv_positions: jax.Array,
    *,
    causal: bool,
    window: int | None,
) -> Intervals:
    """The interval of keys that each query sees; arguments as in `attention`, rows as packing makes them."""
    segments = jnp.where(kv_segment_ids > 0, kv_segment_ids, LARGEST)
    reach = LARGEST // 2 if window is None else window - 1
    lowest = q_positions - reach
    highest = q_positions if causal else q_positions + reach
    search = jax.vmap(_keys_before)
    first = search(segments, kv_positions, q_segment_ids, lowest)
    last = search(segments, kv_positions, q_segment_ids, highest + 1) - 1
    attends = q_segment_ids > 0
    return Intervals(jnp.where(attends, first, 0), jnp.where(attends, last, -1))


def _keys_before(segments: jax.Array, positions: jax.Array, segment: jax.Array, position: jax.Array) -> jax.Array:
    """How many keys [S] come before (segment, position) [T], by binary search of all at once: int32[T]."""
    size = segments.shape[0]
    low, high = jnp.zeros_like(segment), jnp.full_like(segment, size)
    for _ in range(math.ceil(math.log2(size + 1))):
        middle = (low + high) // 2
        at = jnp.minimum(middle, size - 1)
        before = (segments[at] < segment) | ((segments[at] == segment) & (positions[at] < position))
        before &= middle < high
        low, high = jnp.where(before, middle + 1, low), jnp.where(before, high, middle)
    return low


class Bounds(NamedTuple):
    """For each tile, the tiles of the other side that it meets: from `begin` to `end`, of which those from `full_begin` to `full_end`
    need no mask, because everything in them is visible. Every array is int32[B, tiles]."""

    begin: jax.Array
    full_begin: jax.Array
    full_end: jax.Array
    end: jax.Array


def key_tiles(visible: Intervals, queries: int, keys: int) -> Bounds:
    """The tiles of `keys` keys that each tile of `queries` queries meets. `queries` divides T."""
    first, last = (side.reshape(side.shape[0], -1, queries) for side in visible)
    sees = last >= first
    begin = jnp.min(jnp.where(sees, first, LARGEST), axis=2) // keys
    end = jnp.max(jnp.where(sees, last, -1), axis=2) // keys + 1
    begin = jnp.minimum(begin, end)
    full_begin = -(-jnp.max(first, axis=2) // keys)
    full_end = (jnp.min(last, axis=2) + 1) // keys
    return _ordered(begin, full_begin, full_end, end)


def query_tiles(visible: Intervals, queries: int, keys: int, key_count: int) -> Bounds:
    """The tiles of `queries` queries that each tile of `keys` keys meets. `queries` divides T, `keys` divides `key_count`."""
    time = visible.first.shape[1]
    opens = (jnp.arange(key_count // keys, dtype=jnp.int32) * keys)[None, :, None]
    closes = opens + keys - 1
    first, last = (side.reshape(side.shape[0], 1, -1, queries) for side in visible)
    sees = last >= first
    earliest, latest = jnp.min(jnp.where(sees, first, LARGEST), axis=3), jnp.max(jnp.where(sees, last, -1), axis=3)
    meets = (earliest <= closes) & (latest >= opens)
    full = (jnp.max(first, axis=3) <= opens) & (jnp.min(last, axis=3) >= closes)
    tile = jnp.arange(time // queries, dtype=jnp.int32)
    end = jnp.max(jnp.where(meets, tile, -1), axis=2) + 1
    begin = jnp.minimum(jnp.min(jnp.where(meets, tile, LARGEST), axis=2), end)
    full_begin = jnp.min(jnp.where(full, tile, LARGEST), axis=2)
    full_end = jnp.min(jnp.where(~full & (tile > full_begin[:, :, None]), tile, time // queries), axis=2)
    return _ordered(begin, full_begin, full_end, end)


def _ordered(begin: jax.Array, full_begin: jax.Array, full_end: jax.Array, end: jax.Array) -> Bounds:
    """begin <= full_begin <= full_end <= end, with an empty run of full tiles at `end` where there is none."""
    full_begin = jnp.clip(full_begin, begin, end)
    full_end = jnp.clip(full_end, full_begin, end)
    return Bounds(begin, full_begin, full_end, end)
