"""Rows times the matrices of their experts on Hopper: the forward product, and the gradient of its input.

A unit is a tile of `row_tiles` by some columns of the output; its sum runs over the width of the rows.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import mosaic_gpu as plgpu

from tanuki_jax.lm.kernels.grouped_matmul.hopper_pipeline import (
    ProductTile,
    Ring,
    copy_ahead,
    launch,
    output_slots,
    over_units,
    product,
    ring_barriers,
    split_work,
    store,
)
from tanuki_jax.lm.kernels.grouped_matmul.schedule import ALIGNMENT, position, row_tiles
from tanuki_jax.lm.kernels.warpgroups import ROWS, swizzled


def rows(x_tk: jax.Array, w: jax.Array, group_sizes_e: jax.Array, tile: ProductTile, *, transposed: bool) -> jax.Array:
    """Compute [T, N] from x [T, K] and w [E, K, N], or [E, N, K] if `transposed`; 0 beyond the groups.

    T is a multiple of 8 and at least the tile's rows; K is a multiple of its depth, N of its columns.
    """
    tokens, terms = x_tk.shape
    outputs = w.shape[1 if transposed else 2]
    tiles = row_tiles(group_sizes_e, tokens, tile.rows)
    kernel = plgpu.kernel(
        functools.partial(_kernel, transposed=transposed, terms=terms, outputs=outputs, tile=tile),
        out_type=jax.ShapeDtypeStruct((tokens, outputs), x_tk.dtype),
        scratch_types=dict(
            x_smem=swizzled((tile.stages, tile.rows, tile.depth), x_tk.dtype),
            w_smem=swizzled(
                (tile.stages, *((tile.columns, tile.depth) if transposed else (tile.depth, tile.columns))), x_tk.dtype
            ),
            slots=output_slots(x_tk.dtype),
            **ring_barriers(tile.stages),
        ),
        **launch(tile, "grouped_matmul_rows"),
    )
    out: jax.Array = kernel(x_tk, w, *tiles)
    return out


def _kernel(
    x: Any, w: Any, expert: Any, first: Any, low: Any, high: Any, busy: Any, total: Any, out: Any,
    *, x_smem: Any, w_smem: Any, slots: Any, ready: Any, free: Any,
    transposed: bool, terms: int, outputs: int, tile: ProductTile,
) -> None:  # fmt: skip
    """Run one block: its share of the tiles of the output. A tile beyond the groups is a sum of no terms."""
    ring = Ring(ready, free, tile.stages)
    busy_tiles, all_tiles = busy[0], total[0]
    units = all_tiles * (outputs // tile.columns)

    def location(unit: jax.Array) -> tuple[jax.Array, jax.Array]:
        return position(unit, all_tiles, outputs // tile.columns)

    def steps_of(unit: jax.Array) -> jax.Array:
        return jnp.where(location(unit)[0] < busy_tiles, terms // tile.depth, 0)

    def copy_unit(unit: jax.Array, first_step: jax.Array) -> None:
        row_tile, column = location(unit)
        x_tile = x.at[pl.ds(pl.multiple_of(first[row_tile], ALIGNMENT), tile.rows)]
        matrix = w.at[expert[row_tile]]
        columns = pl.ds(column * tile.columns, tile.columns)

        def copy(step: jax.Array, slot: jax.Array) -> None:
            depth = pl.ds(step * tile.depth, tile.depth)
            plgpu.copy_gmem_to_smem(x_tile.at[:, depth], x_smem.at[slot], ready.at[slot])
            plgpu.copy_gmem_to_smem(
                matrix.at[columns, depth] if transposed else matrix.at[depth, columns], w_smem.at[slot], ready.at[slot]
            )

        copy_ahead(ring, first_step, steps_of(unit), copy)

    def compute_unit(warpgroup: jax.Array, unit: jax.Array, first_step: jax.Array) -> None:
        row_tile, column = location(unit)

        def left(slot: jax.Array) -> Any:
            return x_smem.at[slot, pl.ds(warpgroup * ROWS, ROWS)]

        def right(slot: jax.Array) -> Any:
            return w_smem.at[slot].transpose((1, 0)) if transposed else w_smem.at[slot]

        value = product(ring, first_step, steps_of(unit), tile.columns, left, right).astype(out.dtype)
        base = warpgroup * ROWS
        begin, end = (jnp.clip(side[row_tile] - base, 0, ROWS) for side in (low, high))
        out_tile = out.at[pl.ds(first[row_tile] + base, ROWS), pl.ds(column * tile.columns, tile.columns)]
        pl.when(begin < end)(lambda: store(value, out_tile, slots.at[warpgroup], begin, end))

    split_work(
        lambda: over_units(units, steps_of, copy_unit),
        lambda warpgroup: over_units(units, steps_of, functools.partial(compute_unit, warpgroup)),
    )
