"""Tiles of groups: every row is owned once, by its own group, wherever groups begin and end."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tanuki_jax.lm.kernels.grouped_matmul.schedule import ALIGNMENT, BAND, position, row_tiles, token_tiles

EXPERTS, ROWS = 6, 904
GROUPS = st.lists(st.one_of(st.just(0), st.integers(1, 12), st.integers(0, 150)), min_size=EXPERTS, max_size=EXPERTS)
tiles_of_rows = jax.jit(row_tiles, static_argnums=(1, 2))
tiles_of_tokens = jax.jit(token_tiles, static_argnums=1)


@given(sizes=GROUPS, rows=st.sampled_from((ROWS, 1024)), size=st.sampled_from((8, 128)))
@example(sizes=[0, 0, ROWS, 0, 0, 0], rows=ROWS, size=128)
@example(sizes=[7, 1, 1, 375, 0, 520], rows=ROWS, size=128)
@example(sizes=[1, 127, 129, 255, 385, 7], rows=ROWS, size=128)
@example(sizes=[0, 0, 0, 0, 0, 0], rows=ROWS, size=128)
def test_each_row_is_owned_by_one_tile_of_its_own_group(sizes: list[int], rows: int, size: int) -> None:
    tiles = jax.tree.map(np.asarray, tiles_of_rows(jnp.array(sizes, jnp.int32), rows, size))
    expected = np.repeat(np.arange(len(sizes) + 1), [*sizes, rows - sum(sizes)])
    owner = np.full(rows, -1)
    (total,), (busy,) = tiles.total, tiles.busy
    assert total <= tiles.expert.size
    for expert, first, low, high in zip(tiles.expert[:total], tiles.first, tiles.low, tiles.high, strict=False):
        assert 0 <= first <= rows - size and first % ALIGNMENT == 0
        assert 0 <= low < high <= size
        assert (owner[first + low : first + high] == -1).all()
        owner[first + low : first + high] = expert
    np.testing.assert_array_equal(owner, expected)
    np.testing.assert_array_equal(np.sort(tiles.expert[:total]), tiles.expert[:total])
    assert busy == (tiles.expert[:total] < len(sizes)).sum()


@given(sizes=GROUPS, size=st.sampled_from((8, 64)))
@example(sizes=[3, 2, 70, 64, 0, 9], size=64)
@example(sizes=[1, 133, 0, 0, 0, 0], size=64)
def test_full_tiles_and_the_rest_are_the_rows_of_the_group(sizes: list[int], size: int) -> None:
    tiles = jax.tree.map(np.asarray, tiles_of_tokens(jnp.array(sizes, jnp.int32), size))
    ends = np.cumsum(sizes)
    for expert, (begin, end) in enumerate(zip(ends - sizes, ends, strict=True)):
        first, full = tiles.first[expert], tiles.full[expert]
        rest = tiles.rest[expert][tiles.in_rest[expert]]
        assert not full or first % ALIGNMENT == 0
        covered = np.concatenate([np.arange(first, first + full * size), rest])
        np.testing.assert_array_equal(np.sort(covered), np.arange(begin, end))
        assert tiles.in_rest[expert][: rest.size].all()
        assert tiles.steps[expert] == full + -(-rest.size // size)
        assert (tiles.steps[expert] - full) * size <= tiles.rest.shape[1]


@pytest.mark.parametrize("rows", [1, BAND, BAND + 5, 3 * BAND])
@pytest.mark.parametrize("columns", [1, 7])
def test_units_are_all_positions_of_the_grid_once(rows: int, columns: int) -> None:
    row, column = position(jnp.arange(rows * columns), rows, columns)
    assert sorted(zip(row.tolist(), column.tolist(), strict=True)) == [
        (i, j) for i in range(rows) for j in range(columns)
    ]


def test_units_that_follow_each_other_share_rows_and_columns() -> None:
    """Assert that 132 blocks at work read at most a band of rows and the columns that it takes to fill the blocks."""
    row, column = position(jnp.arange(64 * 56), 64, 56)
    for begin in range(0, 64 * 56 - 132, 132):
        assert len(set(row[begin : begin + 132].tolist())) <= 2 * BAND
        assert len(set(column[begin : begin + 132].tolist())) <= 132 // BAND + 2
