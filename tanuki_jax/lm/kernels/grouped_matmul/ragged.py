"""Grouped matmul in plain JAX, for CPUs: a loop over tiles of rows, each times the matrix of its expert.

`jax.lax.ragged_dot` multiplies every row by every expert on a CPU.
"""

import jax
import jax.numpy as jnp
from jax import lax

from tanuki_jax.lm.kernels.grouped_matmul.schedule import ALIGNMENT, RowTiles, row_tiles
from tanuki_jax.lm.kernels.varying import varying

ROWS = 128
"""Rows of a tile."""


def rows(x_td: jax.Array, w_edf: jax.Array, group_sizes_e: jax.Array, *, transposed: bool) -> jax.Array:
    """Multiply each row by the matrix of its expert, or by its transpose; 0 beyond the groups."""
    padded, tiles, size = _tiles(x_td, group_sizes_e)
    out = varying(jnp.zeros((padded.shape[0], w_edf.shape[1 if transposed else 2]), x_td.dtype), x_td)

    def tile(index: jax.Array, out: jax.Array) -> jax.Array:
        first = tiles.first[index]
        product = lax.dot_general(
            lax.dynamic_slice_in_dim(padded, first, size),
            w_edf[tiles.expert[index]],
            (((1,), (1 if transposed else 0,)), ((), ())),
            preferred_element_type=jnp.float32,
        )
        # Rows of other groups in this tile keep what their own tiles wrote, or will write.
        before = lax.dynamic_slice_in_dim(out, first, size)
        after = jnp.where(_owned(tiles, index, size), product.astype(out.dtype), before)
        return lax.dynamic_update_slice_in_dim(out, after, first, 0)

    return lax.fori_loop(0, tiles.busy[0], tile, out)[: x_td.shape[0]]


def weights(x_td: jax.Array, g_tf: jax.Array, group_sizes_e: jax.Array) -> jax.Array:
    """Return float32[E, D, F]: x^T g over the rows of each group."""
    x, tiles, size = _tiles(x_td, group_sizes_e)
    g, _, _ = _tiles(g_tf, group_sizes_e)

    def tile(index: jax.Array, out: jax.Array) -> jax.Array:
        owned = _owned(tiles, index, size)
        left, right = (jnp.where(owned, lax.dynamic_slice_in_dim(side, tiles.first[index], size), 0) for side in (x, g))
        product = lax.dot_general(left, right, (((0,), (0,)), ((), ())), preferred_element_type=jnp.float32)
        return out.at[tiles.expert[index]].add(product)

    none = jnp.zeros((group_sizes_e.shape[0], x.shape[1], g.shape[1]), jnp.float32)
    return lax.fori_loop(0, tiles.busy[0], tile, varying(none, x))


def _tiles(x: jax.Array, group_sizes_e: jax.Array) -> tuple[jax.Array, RowTiles, int]:
    """Pad the rows to a multiple of `ALIGNMENT`; return them, their tiles, and the number of rows in a tile."""
    padded = jnp.pad(x, [(0, -x.shape[0] % ALIGNMENT), (0, 0)])
    size = min(ROWS, padded.shape[0])
    return padded, row_tiles(group_sizes_e, padded.shape[0], size), size


def _owned(tiles: RowTiles, index: jax.Array, size: int) -> jax.Array:
    row = jnp.arange(size)[:, None]
    return (row >= tiles.low[index]) & (row < tiles.high[index])
