"""Rows of documents: counts of pairs against the reference mask."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.lm.kernels.attention.reference_attention import visible
from tanuki_jax.planning.bench import document_rows

ROWS = st.lists(st.integers(1, 12), min_size=1, max_size=5).map(
    lambda row: (*row, 48 - sum(row)) if sum(row) < 48 else (48,)
)
LENGTHS = st.lists(ROWS, min_size=1, max_size=2).map(tuple)


def visible_mask(lengths: document_rows.Lengths) -> np.ndarray:
    """Return the reference's mask, bool[B, T, T]."""
    ids, positions = document_rows.segment_ids(lengths), document_rows.positions(lengths)
    return np.asarray(visible(ids, ids, positions, positions, causal=True, window=None))  # type: ignore[arg-type]


@given(LENGTHS)
def test_visible_pairs_are_those_of_the_reference(lengths: document_rows.Lengths) -> None:
    assert document_rows.visible_pairs(lengths) == visible_mask(lengths).sum()


@given(LENGTHS, st.sampled_from([4, 8, 16]), st.sampled_from([4, 8, 16]))
def test_counted_tiles_are_those_with_a_visible_pair(lengths: document_rows.Lengths, queries: int, keys: int) -> None:
    tiles = visible_mask(lengths).reshape(len(lengths), 48 // queries, queries, 48 // keys, keys).any(axis=(2, 4))
    assert document_rows.tile_pairs(lengths, queries, keys) == tiles.sum() * queries * keys


def test_rows_are_full_and_the_same_each_time() -> None:
    for rows in (
        document_rows.exponential(8, 8192, 1024),
        document_rows.fixed(3, 100, 32),
        document_rows.one_document(2, 64),
    ):
        assert len({sum(row) for row in rows}) == 1
        assert all(length > 0 for row in rows for length in row)
    assert document_rows.exponential(8, 8192, 1024) == document_rows.exponential(8, 8192, 1024)
    assert document_rows.fixed(1, 100, 32) == ((32, 32, 32, 4),)


def test_exponential_lengths_have_the_requested_mean() -> None:
    """The last document of a row is cut; all others are as drawn."""
    drawn = [length for row in document_rows.exponential(200, 8192, 512) for length in row[:-1]]
    assert abs(np.mean(drawn) / 512 - 1) < 0.1
    assert abs(np.std(drawn) / 512 - 1) < 0.1
