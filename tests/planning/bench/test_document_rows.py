"""Rows of documents: what is counted, against pairs that are looked at one by one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.lm.kernels.attention.reference_attention import visible
from tanuki_jax.planning.bench import document_rows as documents

ROWS = st.lists(st.integers(1, 12), min_size=1, max_size=5).map(
    lambda row: (*row, 48 - sum(row)) if sum(row) < 48 else (48,)
)
LENGTHS = st.lists(ROWS, min_size=1, max_size=2).map(tuple)


def seen(lengths: documents.Lengths) -> np.ndarray:
    """bool[B, T, T] by the reference's rule."""
    ids, positions = documents.segment_ids(lengths), documents.positions(lengths)
    return np.asarray(visible(ids, ids, positions, positions, causal=True, window=None))  # type: ignore[arg-type]


@given(LENGTHS)
def test_visible_pairs_are_those_of_the_reference(lengths: documents.Lengths) -> None:
    assert documents.visible_pairs(lengths) == seen(lengths).sum()


@given(LENGTHS, st.sampled_from([4, 8, 16]), st.sampled_from([4, 8, 16]))
def test_the_tiles_that_meet_are_those_with_a_visible_pair(lengths: documents.Lengths, queries: int, keys: int) -> None:
    tiles = seen(lengths).reshape(len(lengths), 48 // queries, queries, 48 // keys, keys).any(axis=(2, 4))
    assert documents.met_pairs(lengths, queries, keys) == tiles.sum() * queries * keys


def test_rows_are_full_and_the_same_each_time() -> None:
    for rows in (documents.exponential(8, 8192, 1024), documents.fixed(3, 100, 32), documents.one_document(2, 64)):
        assert len({sum(row) for row in rows}) == 1
        assert all(length > 0 for row in rows for length in row)
    assert documents.exponential(8, 8192, 1024) == documents.exponential(8, 8192, 1024)
    assert documents.fixed(1, 100, 32) == ((32, 32, 32, 4),)


def test_exponential_lengths_have_the_mean_that_is_asked_for() -> None:
    """The last document of a row is cut, so that the others are what was drawn."""
    drawn = [length for row in documents.exponential(200, 8192, 512) for length in row[:-1]]
    assert abs(np.mean(drawn) / 512 - 1) < 0.1
    assert abs(np.std(drawn) / 512 - 1) < 0.1
