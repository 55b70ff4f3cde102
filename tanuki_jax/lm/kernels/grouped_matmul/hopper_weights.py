"""The gradient of the experts' matrices on Hopper: a product summed over the rows of each group."""

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
    """[E, D, F]: x^T g over the rows of each group, in the type of x; 0 for an empty group.

    A step of the sum takes whole tiles of rows. What does not fill one is gathered into tiles of its own beforehand, with zeros where no
    row of the group is, so that no step sees a row of another group. T is a multiple of 8 and at least the tile's depth; D is a multiple
    of its rows, F of its columns.
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
    out: jax.Array = kernel(x_td, g_tf, x_rest, g_rest, tokens.first, tokens.whole, tokens.steps)
    return out


def _kernel(
    x: Any, g: Any, x_rest: Any, g_rest: Any, first: Any, whole: Any, steps: Any, out: Any,
    *, x_smem: Any, g_smem: Any, slots: Any, ready: Any, free: Any, shape: tuple[int, int, int], tile: ProductTile,
) -> None:  # fmt: skip
    """One block: its share of the tiles of the output, expert by expert."""
    ring = Ring(ready, free, tile.stages)
    experts, high, wide = shape

    def place(unit: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        return lax.div(unit, high * wide), *position(lax.rem(unit, high * wide), high, wide)

    def steps_of(unit: jax.Array) -> jax.Array:
        here: jax.Array = steps[place(unit)[0]]
        return here

    def copy_unit(unit: jax.Array, turn: jax.Array) -> None:
        expert, row, column = place(unit)
        begin, wholes = first[expert], whole[expert]
        columns = (pl.ds(row * tile.rows, tile.rows), pl.ds(column * tile.columns, tile.columns))

        def copy(step: jax.Array, slot: jax.Array) -> None:
            def from_(sides: tuple[Any, Any], row: jax.Array) -> None:
                for side, smem, wanted in zip(sides, (x_smem, g_smem), columns, strict=True):
                    plgpu.copy_gmem_to_smem(side.at[pl.ds(row, tile.depth), wanted], smem.at[slot], ready.at[slot])

            rest = step - wholes
            pl.when(rest < 0)(lambda: from_((x, g), pl.multiple_of(begin, ALIGNMENT) + step * tile.depth))
            pl.when(rest >= 0)(lambda: from_((x_rest.at[expert], g_rest.at[expert]), rest * tile.depth))

        copy_ahead(ring, turn, steps_of(unit), copy)

    def compute_unit(worker: jax.Array, unit: jax.Array, turn: jax.Array) -> None:
        expert, row, column = place(unit)

        def left(slot: jax.Array) -> Any:
            return x_smem.at[slot, :, pl.ds(worker * ROWS, ROWS)].transpose((1, 0))

        value = product(ring, turn, steps_of(unit), tile.columns, left, lambda slot: g_smem.at[slot]).astype(out.dtype)
        rows = pl.ds(row * tile.rows + worker * ROWS, ROWS)
        store(value, out.at[expert, rows, pl.ds(column * tile.columns, tile.columns)], slots.at[worker])

    units = experts * high * wide
    split_work(
        lambda: over_units(units, steps_of, copy_unit),
        lambda worker: over_units(units, steps_of, functools.partial(compute_unit, worker)),
    )
