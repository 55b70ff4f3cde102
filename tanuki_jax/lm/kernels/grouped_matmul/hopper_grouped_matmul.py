"""Grouped matmul on Hopper GPUs: our own Mosaic-GPU kernels, whose tiles follow the groups wherever these begin and end."""

import jax
import jax.numpy as jnp

from tanuki_jax.lm.kernels.grouped_matmul import hopper_rows, hopper_weights
from tanuki_jax.lm.kernels.grouped_matmul.hopper_pipeline import ProductTile
from tanuki_jax.lm.kernels.grouped_matmul.schedule import ALIGNMENT

MULTIPLE = 128
"""What divides both sides of an expert's matrix."""
WIDE, NARROW = ProductTile(columns=256), ProductTile(columns=128)


def refusal(dtype: jnp.dtype, matrix: tuple[int, ...]) -> str | None:
    """Why the kernels do not take this type, or matrices of this shape; None if they do."""
    if dtype != jnp.bfloat16:
        return f"takes bfloat16, not {dtype}"
    if any(side % MULTIPLE for side in matrix):
        return f"takes matrices whose sides are multiples of {MULTIPLE}, not {' x '.join(map(str, matrix))}"
    return None


def tile_for(columns: int) -> ProductTile:
    """The tile for an output of so many columns, which are a multiple of `MULTIPLE`."""
    return WIDE if columns % WIDE.columns == 0 else NARROW


def rows(x_td: jax.Array, w_edf: jax.Array, group_sizes_e: jax.Array, *, transposed: bool) -> jax.Array:
    """Each row times the matrix of its expert, or times its transpose, which is never written out; 0 beyond the groups."""
    tile = tile_for(w_edf.shape[1 if transposed else 2])
    return hopper_rows.rows(_padded(x_td), w_edf, group_sizes_e, tile, transposed=transposed)[: x_td.shape[0]]


def weights(x_td: jax.Array, g_tf: jax.Array, group_sizes_e: jax.Array) -> jax.Array:
    """[E, D, F] in the type of x, summed in float32: x^T g over the rows of each group."""
    return hopper_weights.weights(_padded(x_td), _padded(g_tf), group_sizes_e, tile_for(g_tf.shape[1]))


def _padded(x: jax.Array) -> jax.Array:
    """x with zero rows after it, so that there is room for a tile and their number is a multiple of `ALIGNMENT`."""
    missing = max(-x.shape[0] % ALIGNMENT, WIDE.rows - x.shape[0])
    return jnp.pad(x, [(0, missing), (0, 0)]) if missing else x
