"""Which tiles a grouped matmul works on: pure functions of the sizes of the groups."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

ALIGNMENT = 8
"""Tiles begin at a multiple of this row, since the copy engine moves tiles of eight rows."""
BAND = 16
"""Row tiles that pass over the columns together, so that both sides of the product are still in the cache when neighbours need them."""


class RowTiles(NamedTuple):
    """Tiles of rows, in the order of the groups; a tile lies in one group and owns some of its rows. int32, one entry a tile."""

    expert: jax.Array
    """The number of experts for rows beyond the last group; those tiles come last."""
    first: jax.Array
    """First row of the tile, a multiple of `ALIGNMENT`."""
    low: jax.Array
    """First row that the tile owns, counted from `first`."""
    high: jax.Array
    """One past the last of them."""
    busy: jax.Array
    """int32[1]: how many tiles belong to an expert."""
    total: jax.Array
    """int32[1]: how many tiles there are; entries from here on mean nothing."""


def row_tiles(group_sizes_e: jax.Array, rows: int, size: int) -> RowTiles:
    """Tiles of `size` rows that own each of `rows` rows exactly once.

    Both are multiples of `ALIGNMENT`, `size` is at most `rows`, and the groups hold at most `rows` rows.
    """
    experts = group_sizes_e.shape[0]
    sizes = jnp.append(group_sizes_e, rows - group_sizes_e.sum()).astype(jnp.int32)
    ends = jnp.cumsum(sizes)
    starts = ends - sizes
    aligned = starts // ALIGNMENT * ALIGNMENT
    numbers = jnp.where(sizes > 0, -(-(ends - aligned) // size), 0)
    stops = jnp.cumsum(numbers)
    tile = jnp.arange(_most_tiles(rows, size, experts + 1), dtype=jnp.int32)
    expert = jnp.minimum(jnp.searchsorted(stops, tile, side="right", method="compare_all"), experts).astype(jnp.int32)
    begin = aligned[expert] + (tile - (stops - numbers)[expert]) * size
    first = jnp.minimum(begin, rows - size)
    low = jnp.maximum(starts[expert], begin) - first
    high = jnp.minimum(ends[expert], begin + size) - first
    return RowTiles(expert, first, low, high, stops[-2:-1], stops[-1:])


def _most_tiles(rows: int, size: int, groups: int) -> int:
    """An upper bound: a group of n rows takes at most (n + ALIGNMENT - 1 + size - 1) / size tiles."""
    return (rows + groups * (ALIGNMENT + size - 2)) // size


class TokenTiles(NamedTuple):
    """The rows of each group as whole tiles, and what is left of them before and after. int32, one entry an expert."""

    first: jax.Array
    """First row of the first whole tile, a multiple of `ALIGNMENT` where there is one."""
    whole: jax.Array
    """How many whole tiles follow each other from there."""
    steps: jax.Array
    """How many tiles there are together with those that hold the rest."""
    rest: jax.Array
    """int32[E, R]: the rows of the rest; R is a multiple of the tile."""
    in_rest: jax.Array
    """bool[E, R]: which entries of `rest` are rows of the group."""


def token_tiles(group_sizes_e: jax.Array, size: int) -> TokenTiles:
    """Tiles of `size` rows, a multiple of `ALIGNMENT`, for a sum over the rows of each group."""
    ends = jnp.cumsum(group_sizes_e, dtype=jnp.int32)
    starts = ends - group_sizes_e
    first = jnp.minimum(-(-starts // ALIGNMENT) * ALIGNMENT, ends)
    whole = (ends - first) // size
    left = group_sizes_e - whole * size
    place = jnp.arange(-(-(ALIGNMENT - 1 + size - 1) // size) * size, dtype=jnp.int32)
    after = jnp.where(place >= (first - starts)[:, None], (whole * size)[:, None], 0)
    rows = starts[:, None] + place + after
    return TokenTiles(first, whole, whole - (-left // size), rows, place < left[:, None])


def position(unit: jax.Array, rows: jax.Array | int, columns: int) -> tuple[jax.Array, jax.Array]:
    """Row and column of a unit of a grid: bands of `BAND` rows, inside a band column by column."""
    band = lax.div(unit, BAND * columns)
    inside = lax.rem(unit, BAND * columns)
    height = jnp.minimum(BAND, rows - band * BAND)
    return band * BAND + lax.rem(inside, height), lax.div(inside, height)
