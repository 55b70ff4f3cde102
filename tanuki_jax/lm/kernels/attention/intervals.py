"""The interval of keys that each query sees, and from it the tiles of keys and queries that a kernel has to visit.

Rows must be as packing makes them: segment ids ascend, padding (0) comes last, and positions ascend inside a segment.
Then the keys that a query sees are neighbours, whatever causality, window and packing hide, and two numbers a query
replace a mask [T, S].
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

LARGEST = 2**31 - 1


class Intervals(NamedTuple):
    """First and last visible key of each query; no key is visible where `last < first`."""

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
    """Return the interval of keys that each query sees; arguments as in `attention`, rows as packing makes them."""
    # The keys of a row ascend by (segment, position), with padding moved behind every document. A query of segment s at
    # position p sees the keys from (s, lowest) to (s, highest), where window and causality set these two positions.
    # Both ends are therefore counts of the keys before a pair: those before (s, lowest) precede the interval, and those
    # before (s, highest + 1) end with it. Keys of other segments never get in, because the segment is compared first.
    segments = jnp.where(kv_segment_ids > 0, kv_segment_ids, LARGEST)
    reach = LARGEST // 2 if window is None else window - 1
    lowest = q_positions - reach
    highest = q_positions if causal else q_positions + reach
    search = jax.vmap(_keys_before)
    first = search(segments, kv_positions, q_segment_ids, lowest)
    last = search(segments, kv_positions, q_segment_ids, highest + 1) - 1
    is_token = q_segment_ids > 0
    return Intervals(jnp.where(is_token, first, 0), jnp.where(is_token, last, -1))


def _keys_before(segments: jax.Array, positions: jax.Array, segment: jax.Array, position: jax.Array) -> jax.Array:
    """Count the keys [S] that come before (segment, position) [T]: int32[T]."""
    # A binary search for all queries at once. For each query the count is in [low, high]; a step compares the key in
    # the middle and halves that range, so the number of steps depends on S only. `middle < high` stops a search that
    # has ended.
    size = segments.shape[0]
    low, high = jnp.zeros_like(segment), jnp.full_like(segment, size)
    for _ in range(math.ceil(math.log2(size + 1))):
        middle = (low + high) // 2
        key = jnp.minimum(middle, size - 1)
        before = (segments[key] < segment) | ((segments[key] == segment) & (positions[key] < position))
        before &= middle < high
        low, high = jnp.where(before, middle + 1, low), jnp.where(before, high, middle)
    return low


class Bounds(NamedTuple):
    """Range of key tiles that each query tile visits, or of query tiles that each key tile visits: `begin` to `end`.

    Every array is int32[B, tiles].

    In the tiles from `full_begin` to `full_end` every pair of a query and a key is visible, so they need no mask.
    """

    begin: jax.Array
    full_begin: jax.Array
    full_end: jax.Array
    end: jax.Array


def key_tiles(visible: Intervals, queries: int, keys: int) -> Bounds:
    """Return the tiles of `keys` keys that each tile of `queries` queries visits. `queries` divides T."""
    # Together the queries of a tile see the keys from the least `first` to the greatest `last` of those that see any.
    # All of them see the keys from the greatest `first` to the least `last`; tiles inside this range are full. Padding
    # makes this range empty, because its `last` is -1: a tile with padding in it is always masked.
    first, last = (side.reshape(side.shape[0], -1, queries) for side in visible)
    sees_keys = last >= first
    begin = jnp.min(jnp.where(sees_keys, first, LARGEST), axis=2) // keys
    end = jnp.max(jnp.where(sees_keys, last, -1), axis=2) // keys + 1
    begin = jnp.minimum(begin, end)
    full_begin = -(-jnp.max(first, axis=2) // keys)
    full_end = (jnp.min(last, axis=2) + 1) // keys
    return _ordered(begin, full_begin, full_end, end)


def query_tiles(visible: Intervals, queries: int, keys: int, key_count: int) -> Bounds:
    """Return the tiles of `queries` queries that each tile of `keys` keys visits.

    `queries` divides T, `keys` divides `key_count`.
    """
    # The transpose of `key_tiles`. Intervals are given for queries, not for keys, so all pairs of a key tile and a
    # query tile are compared, [B, key tiles, query tiles]: a pair meets if the range of keys that the query tile sees
    # overlaps the key tile, and is full if every query of the tile sees all of it. Because intervals ascend along a
    # row, the query tiles that meet a key tile are neighbours, and so are the full ones: the first and the last of each
    # describe them.
    time = visible.first.shape[1]
    first_key = (jnp.arange(key_count // keys, dtype=jnp.int32) * keys)[None, :, None]
    last_key = first_key + keys - 1
    first, last = (side.reshape(side.shape[0], 1, -1, queries) for side in visible)
    sees_keys = last >= first
    earliest = jnp.min(jnp.where(sees_keys, first, LARGEST), axis=3)
    latest = jnp.max(jnp.where(sees_keys, last, -1), axis=3)
    meets = (earliest <= last_key) & (latest >= first_key)
    full = (jnp.max(first, axis=3) <= first_key) & (jnp.min(last, axis=3) >= last_key)
    tile = jnp.arange(time // queries, dtype=jnp.int32)
    end = jnp.max(jnp.where(meets, tile, -1), axis=2) + 1
    begin = jnp.minimum(jnp.min(jnp.where(meets, tile, LARGEST), axis=2), end)
    full_begin = jnp.min(jnp.where(full, tile, LARGEST), axis=2)
    full_end = jnp.min(jnp.where(~full & (tile > full_begin[:, :, None]), tile, time // queries), axis=2)
    return _ordered(begin, full_begin, full_end, end)


def _ordered(begin: jax.Array, full_begin: jax.Array, full_end: jax.Array, end: jax.Array) -> Bounds:
    """Clip to begin <= full_begin <= full_end <= end, with an empty run of full tiles where there is none."""
    full_begin = jnp.clip(full_begin, begin, end)
    full_end = jnp.clip(full_end, full_begin, end)
    return Bounds(begin, full_begin, full_end, end)
