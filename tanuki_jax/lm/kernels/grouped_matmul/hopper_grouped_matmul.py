"""Grouped matmul on Hopper GPUs: our own Mosaic-GPU kernels, whose tiles follow groups of any size."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from tanuki_jax.lm.kernels.grouped_matmul import hopper_rows, hopper_weights
from tanuki_jax.lm.kernels.grouped_matmul.hopper_pipeline import ProductTile
from tanuki_jax.lm.kernels.grouped_matmul.schedule import ALIGNMENT

MULTIPLE = 128
"""Divisor of both sides of an expert's matrix."""
TILES = (ProductTile(columns=256), ProductTile(columns=128))
"""Tiles of the output, the wider first; the last divides every output."""


def refusal(dtype: jnp.dtype, matrix: tuple[int, ...]) -> str | None:
    """Return why the kernels do not take this type, or matrices of this shape; None if they do."""
    if dtype != jnp.bfloat16:
        return f"takes bfloat16, not {dtype}"
    if any(side % MULTIPLE for side in matrix):
        return f"takes matrices whose sides are multiples of {MULTIPLE}, not {' x '.join(map(str, matrix))}"
    return None


def rows(
    x_td: jax.Array,
    w_edf: jax.Array,
    group_sizes_e: jax.Array,
    *,
    transposed: bool,
    tiles: Sequence[ProductTile] = TILES,
) -> jax.Array:
    """Multiply each row by the matrix of its expert, or its transpose, which is never stored; 0 beyond the groups."""
    tile = _first_that_divides(w_edf.shape[1 if transposed else 2], tiles)
    x = _padded(x_td, tile)
    return hopper_rows.rows(x, w_edf, group_sizes_e, tile, transposed=transposed)[: x_td.shape[0]]


def weights(
    x_td: jax.Array, g_tf: jax.Array, group_sizes_e: jax.Array, *, tiles: Sequence[ProductTile] = TILES
) -> jax.Array:
    """Return [E, D, F] in the type of x, summed in float32: x^T g over the rows of each group."""
    tile = _first_that_divides(g_tf.shape[1], tiles)
    return hopper_weights.weights(_padded(x_td, tile), _padded(g_tf, tile), group_sizes_e, tile)


def _first_that_divides(columns: int, tiles: Sequence[ProductTile]) -> ProductTile:
    return next(tile for tile in tiles if columns % tile.columns == 0)


def _padded(x: jax.Array, tile: ProductTile) -> jax.Array:
    """Append zero rows to x, so that there are as many as in a tile and their number is a multiple of `ALIGNMENT`."""
    missing = max(-x.shape[0] % ALIGNMENT, tile.rows - x.shape[0])
    return jnp.pad(x, [(0, missing), (0, 0)]) if missing else x
