"""Gradient of the experts' matrices on Hopper: a product summed over the rows of each group.

A unit is a tile of one expert's matrix; its sum runs over the rows of the expert's group, in the tiles of
`token_tiles`.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
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
from tanuki_jax.lm.kernels.grouped_matmul.schedule import ALIGNMENT, position, token_tiles
from tanuki_jax.lm.kernels.warpgroups import ROWS, swizzled


def weights(x_td: jax.Array, g_tf: jax.Array, group_sizes_e: jax.Array, tile: ProductTile) -> jax.Array:
    """Compute [E, D, F]: x^T g over the rows of each group, in the type of x; 0 for an empty group.

    A step of the sum takes a full tile of rows. Rows of a group that fill none are gathered into tiles beforehand,
    between zeros, so that no step sees a row of another group. T is a multiple of 8 and at least the tile's depth; D is
    a multiple of its rows, F of its columns.
    """
    (experts,), (_, d), (_, f) = group_sizes_e.shape, x_td.shape, g_tf.shape
    tokens = token_tiles(group_sizes_e, tile.depth)
    x_rest, g_rest = (
        jnp.where(tokens.in_rest[..., None], side.at[tokens.rest].get(mode="clip"), 0) for side in (x_td, g_tf)
    )
    kernel = plgpu.kernel(
        functools.partial(_kernel, shape=(experts, d // tile.rows, f // tile.columns), tile=tile),
        out_type=jax.ShapeDtypeStruct((experts, d, f), x_td.dtype),
        scratch_types=dict(
            x_smem=swizzled((tile.stages, tile.depth, tile.rows), x_td.dtype),
            g_smem=swizzled((tile.stages, tile.depth, tile.columns), x_td.dtype),
            slots=output_slots(x_td.dtype),
            **ring_barriers(tile.stages),
        ),
        **launch(tile, "grouped_matmul_weights"),
    )
    out: jax.Array = kernel(x_td, g_tf, x_rest, g_rest, tokens.first, tokens.full, tokens.steps)
    return out


def _kernel(
    x: Any, g: Any, x_rest: Any, g_rest: Any, first: Any, full: Any, steps: Any, out: Any,
    *, x_smem: Any, g_smem: Any, slots: Any, ready: Any, free: Any, shape: tuple[int, int, int], tile: ProductTile,
) -> None:  # fmt: skip
    """Run one block: its share of the tiles of the output, expert by expert."""
    ring = Ring(ready, free, tile.stages)
    experts, row_tiles, column_tiles = shape
    tiles = row_tiles * column_tiles

    def location(unit: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        return lax.div(unit, tiles), *position(lax.rem(unit, tiles), row_tiles, column_tiles)

    def steps_of(unit: jax.Array) -> jax.Array:
        expert_steps: jax.Array = steps[location(unit)[0]]
        return expert_steps

    def copy_unit(unit: jax.Array, first_step: jax.Array) -> None:
        expert, row, column = location(unit)
        begin, full_tiles = first[expert], full[expert]
        columns = (pl.ds(row * tile.rows, tile.rows), pl.ds(column * tile.columns, tile.columns))

        def copy(step: jax.Array, slot: jax.Array) -> None:
            def copy_from(sides: tuple[Any, Any], row: jax.Array) -> None:
                rows = pl.ds(row, tile.depth)
                for side, smem, side_columns in zip(sides, (x_smem, g_smem), columns, strict=True):
                    plgpu.copy_gmem_to_smem(side.at[rows, side_columns], smem.at[slot], ready.at[slot])

            rest = step - full_tiles
            pl.when(rest < 0)(lambda: copy_from((x, g), pl.multiple_of(begin, ALIGNMENT) + step * tile.depth))
            pl.when(rest >= 0)(lambda: copy_from((x_rest.at[expert], g_rest.at[expert]), rest * tile.depth))

        copy_ahead(ring, first_step, steps_of(unit), copy)

    def compute_unit(warpgroup: jax.Array, unit: jax.Array, first_step: jax.Array) -> None:
        expert, row, column = location(unit)

        def left(slot: jax.Array) -> Any:
            return x_smem.at[slot, :, pl.ds(warpgroup * ROWS, ROWS)].transpose((1, 0))

        total = product(ring, first_step, steps_of(unit), tile.columns, left, lambda slot: g_smem.at[slot])
        value = total.astype(out.dtype)
        rows = pl.ds(row * tile.rows + warpgroup * ROWS, ROWS)
        columns = pl.ds(column * tile.columns, tile.columns)
        store(value, out.at[expert, rows, columns], slots.at[warpgroup])

    units = experts * tiles
    split_work(
        lambda: over_units(units, steps_of, copy_unit),
        lambda warpgroup: over_units(units, steps_of, functools.partial(compute_unit, warpgroup)),
    )
