"""The tiles that a grouped matmul works on: pure functions of the sizes of the groups."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

ALIGNMENT = 8
"""Tiles begin at a multiple of this row, because the copy engine moves tiles of eight rows."""
BAND = 16
"""Row tiles that pass over the columns together, so that neighbours find both sides of a product in the cache."""


class RowTiles(NamedTuple):
    """Tiles of rows, in the order of the groups. int32, one entry a tile.

    A tile lies in one group and owns some of its rows.
    """

    expert: jax.Array
    """Expert of the tile; the number of experts for rows beyond the last group, whose tiles come last."""
    first: jax.Array
    """First row of the tile, a multiple of `ALIGNMENT`."""
    low: jax.Array
    """First row that the tile owns, counted from `first`."""
    high: jax.Array
    """One past the last row that the tile owns, counted from `first`."""
    busy: jax.Array
    """int32[1]: number of tiles that belong to an expert."""
    total: jax.Array
    """int32[1]: number of tiles; entries from this one on mean nothing."""


def row_tiles(group_sizes_e: jax.Array, rows: int, size: int) -> RowTiles:
    """Return tiles of `size` rows that own each of `rows` rows exactly once.

    Both are multiples of `ALIGNMENT`, `size` is at most `rows`, and the groups hold at most `rows` rows.
    """
    # The rows beyond the last group are one group more. The tiles of a group begin at its first row, rounded down to
    # the alignment, and follow each other every `size` rows. The first one may contain rows of the group before and the
    # last one rows of the group after: a tile computes all its rows with its own expert, but owns, and stores, only
    # those of its group. A tile that would end beyond the last row is moved up and owns correspondingly later rows. The
    # number of tiles depends on the sizes, so the arrays have room for the largest possible number, and each entry
    # finds its group by search among the ends of the groups' tiles.
    experts = group_sizes_e.shape[0]
    sizes = jnp.append(group_sizes_e, rows - group_sizes_e.sum()).astype(jnp.int32)
    ends = jnp.cumsum(sizes)
    starts = ends - sizes
    aligned = starts // ALIGNMENT * ALIGNMENT
    counts = jnp.where(sizes > 0, -(-(ends - aligned) // size), 0)
    tile_ends = jnp.cumsum(counts)
    tile = jnp.arange(_max_tiles(rows, size, experts + 1), dtype=jnp.int32)
    group = jnp.searchsorted(tile_ends, tile, side="right", method="compare_all")
    expert = jnp.minimum(group, experts).astype(jnp.int32)
    begin = aligned[expert] + (tile - (tile_ends - counts)[expert]) * size
    first = jnp.minimum(begin, rows - size)
    low = jnp.maximum(starts[expert], begin) - first
    high = jnp.minimum(ends[expert], begin + size) - first
    return RowTiles(expert, first, low, high, tile_ends[-2:-1], tile_ends[-1:])


def _max_tiles(rows: int, size: int, groups: int) -> int:
    """Return an upper bound: a group of n rows takes at most (n + ALIGNMENT - 1 + size - 1) / size tiles."""
    return (rows + groups * (ALIGNMENT + size - 2)) // size


class TokenTiles(NamedTuple):
    """The rows of each group as full tiles, and the rest before and after those. int32, one entry an expert."""

    first: jax.Array
    """First row of the first full tile, a multiple of `ALIGNMENT` if the group has a full tile."""
    full: jax.Array
    """Number of full tiles, which follow each other from there."""
    steps: jax.Array
    """Number of tiles together with those that hold the rest."""
    rest: jax.Array
    """int32[E, R]: rows of the rest; R is a multiple of the tile."""
    in_rest: jax.Array
    """bool[E, R]: whether an entry of `rest` is a row of the group."""


def token_tiles(group_sizes_e: jax.Array, size: int) -> TokenTiles:
    """Return tiles of `size` rows, a multiple of `ALIGNMENT`, for a sum over the rows of each group."""
    # Full tiles begin at the first aligned row of a group; as many as fit are read in place. The rest are fewer than
    # ALIGNMENT rows before them and fewer than `size` after them: entry i of `rest` is the i-th row of the group that
    # is in no full tile, which is found by jumping over the full tiles once the rows before them are used up.
    ends = jnp.cumsum(group_sizes_e, dtype=jnp.int32)
    starts = ends - group_sizes_e
    first = jnp.minimum(-(-starts // ALIGNMENT) * ALIGNMENT, ends)
    full = (ends - first) // size
    rest_size = group_sizes_e - full * size
    index = jnp.arange(-(-(ALIGNMENT - 1 + size - 1) // size) * size, dtype=jnp.int32)
    skipped = jnp.where(index >= (first - starts)[:, None], (full * size)[:, None], 0)
    rest = starts[:, None] + index + skipped
    return TokenTiles(first, full, full - (-rest_size // size), rest, index < rest_size[:, None])


def position(unit: jax.Array, rows: jax.Array | int, columns: int) -> tuple[jax.Array, jax.Array]:
    """Return row and column of a unit of a grid: bands of `BAND` rows, inside a band column by column."""
    # Blocks take units in this order, so those at work at one time share a band of rows and a few columns: what one
    # block reads of either side, others read soon. The last band may be lower.
    band = lax.div(unit, BAND * columns)
    inside = lax.rem(unit, BAND * columns)
    height = jnp.minimum(BAND, rows - band * BAND)
    return band * BAND + lax.rem(inside, height), lax.div(inside, height)
