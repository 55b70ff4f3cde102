"""Intervals of keys and bounds of tiles, against masks that are written out."""

import hypothesis.strategies as st
import jax
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings

from tanuki_jax.lm.kernels.attention.intervals import Bounds, Intervals, intervals, key_tiles, query_tiles
from tests.lm.kernels.attention.mask import visible
from tests.lm.kernels.leak import rows

pytestmark = pytest.mark.thorough

TIME = 96
DOCUMENTS = st.lists(st.integers(1, 40), max_size=30)
WINDOWS = st.sampled_from((None, 1, 17))
TILES = st.sampled_from(((8, 8), (16, 4), (4, 32)))
INTERVALS = jax.jit(intervals, static_argnames=("causal", "window"))
KEY_TILES = jax.jit(key_tiles, static_argnums=(1, 2))
QUERY_TILES = jax.jit(query_tiles, static_argnums=(1, 2, 3))


def packed(lengths: list[int]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    return rows(
        [[length for length, end in zip(lengths, np.cumsum(lengths), strict=True) if end <= TIME], [], [TIME]], TIME
    )


def seen_by(visible_keys: Intervals, keys: int) -> npt.NDArray[np.bool_]:
    key = np.arange(keys)
    return (key >= np.asarray(visible_keys.first)[:, :, None]) & (key <= np.asarray(visible_keys.last)[:, :, None])


@settings(max_examples=60)
@given(lengths=DOCUMENTS, window=WINDOWS, causal=st.booleans())
def test_a_query_sees_the_keys_of_its_interval(lengths: list[int], window: int | None, causal: bool) -> None:
    segment_ids, positions = packed(lengths)
    result = INTERVALS(segment_ids, segment_ids, positions, positions, causal=causal, window=window)
    expected = visible(segment_ids, segment_ids, positions, positions, causal, window)
    np.testing.assert_array_equal(seen_by(result, TIME), expected)


@settings(max_examples=40)
@given(lengths=DOCUMENTS, window=WINDOWS, causal=st.booleans(), part=st.tuples(st.integers(0, 2), st.integers(0, 2)))
def test_callers_may_hold_parts_of_a_row(
    lengths: list[int], window: int | None, causal: bool, part: tuple[int, int]
) -> None:
    segment_ids, positions = packed(lengths)
    q, kv = (slice(32 * third, 32 * third + 32) for third in part)
    sides = (segment_ids[:, q], segment_ids[:, kv], positions[:, q], positions[:, kv])
    result = INTERVALS(*sides, causal=causal, window=window)
    np.testing.assert_array_equal(seen_by(result, 32), visible(*sides, causal, window))


def tiles(mask: npt.NDArray[np.bool_], queries: int, keys: int) -> npt.NDArray[np.bool_]:
    """Split a mask into tiles, [rows, query tiles, key tiles, queries, keys]."""
    split = mask.reshape(mask.shape[0], mask.shape[1] // queries, queries, mask.shape[2] // keys, keys)
    return np.moveaxis(split, 2, 3)


def assert_tiles(bounds: Bounds, needed: npt.NDArray[np.bool_], full: npt.NDArray[np.bool_]) -> None:
    """Assert that exactly the needed tiles are visited, and that none goes without a mask that needs one.

    Masks are [rows, tiles, tiles of the other side].
    """
    begin, full_begin, full_end, end = (np.asarray(side)[:, :, None] for side in bounds)
    tile = np.arange(needed.shape[2])
    np.testing.assert_array_equal((tile >= begin) & (tile < end), needed)
    unmasked = (tile >= full_begin) & (tile < full_end)
    assert not (unmasked & ~full).any()
    assert (begin <= full_begin).all() and (full_begin <= full_end).all() and (full_end <= end).all()
    np.testing.assert_array_equal(unmasked.any(axis=2), full.any(axis=2))


@settings(max_examples=80)
@given(lengths=DOCUMENTS, window=WINDOWS, causal=st.booleans(), sizes=TILES)
def test_exactly_the_tiles_that_are_needed_are_visited(
    lengths: list[int], window: int | None, causal: bool, sizes: tuple[int, int]
) -> None:
    segment_ids, positions = packed(lengths)
    queries, keys = sizes
    result = INTERVALS(segment_ids, segment_ids, positions, positions, causal=causal, window=window)
    split = tiles(visible(segment_ids, segment_ids, positions, positions, causal, window), queries, keys)
    needed, full = split.any(axis=(3, 4)), split.all(axis=(3, 4))
    assert_tiles(KEY_TILES(result, queries, keys), needed, full)
    assert_tiles(QUERY_TILES(result, queries, keys, TIME), needed.swapaxes(1, 2), full.swapaxes(1, 2))


def test_rows_of_short_documents_cost_the_sum_of_their_squares() -> None:
    segment_ids, positions = rows([[1024] * 8], 8192)
    bounds = key_tiles(INTERVALS(segment_ids, segment_ids, positions, positions, causal=True, window=None), 128, 128)
    assert int((bounds.end - bounds.begin).sum()) == 8 * (8 * 9 // 2)
