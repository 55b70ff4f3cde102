"""Parts that the two Hopper kernels of the grouped matmul share: units of work, the ring, the storing of a tile.

There are as many blocks as multiprocessors, and each stays until the end: it takes every n-th unit, a tile of the
output. One warpgroup copies the terms of the sums into a ring of stages in shared memory, two multiply 64 rows of the
tile each. The ring does not stop between units: steps are counted on through all units of a block, so that the copies
of the next unit begin while the products of this one end and its result is stored.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import mosaic_gpu as plgpu

from tanuki_jax.lm.kernels.warpgroups import ATOM, COMPUTE_GROUPS, COMPUTE_REGISTERS, COPY_REGISTERS, ROWS, swizzled


@dataclasses.dataclass(frozen=True)
class ProductTile:
    """A tile of the output, and the stages of the ring that its sum passes through."""

    columns: int
    depth: int = 64
    """Terms of the sum in one stage."""
    stages: int = 4
    blocks: int = 132
    """Blocks that share the work, one for each multiprocessor of an H100 SXM or H200; fewer take two rounds."""

    @property
    def rows(self) -> int:
        return COMPUTE_GROUPS * ROWS


@dataclasses.dataclass(frozen=True)
class Ring:
    """Barriers of the stages, which are used in turn: step n of a block uses stage n % `stages`."""

    ready: Any
    """Phase complete when both sides of the product are copied."""
    free: Any
    """Phase complete when both warpgroups have read them."""
    stages: int


def ring_barriers(stages: int) -> dict[str, Any]:
    return {
        "ready": plgpu.Barrier(num_arrivals=2, num_barriers=stages),
        "free": plgpu.Barrier(num_arrivals=COMPUTE_GROUPS, num_barriers=stages),
    }


def output_slots(dtype: Any) -> Any:
    """Return shared memory for output before it is copied: two slots a warpgroup.

    Tiles have one row, so that a copy may begin at any row.
    """
    return swizzled((COMPUTE_GROUPS, 2, ROWS, ATOM), dtype, rows=1)


def over_units(
    total: jax.Array | int, steps_of: Callable[[jax.Array], jax.Array], body: Callable[[jax.Array, jax.Array], None]
) -> None:
    """Call `body(unit, first_step)` for the units of this block.

    `first_step` is the number of steps in the block's units before.
    """
    block, blocks = lax.axis_index("block"), lax.axis_size("block")

    def one_unit(index: jax.Array, first_step: jax.Array) -> jax.Array:
        unit = block + index * blocks
        body(unit, first_step)
        return first_step + steps_of(unit)

    lax.fori_loop(0, lax.div(total - block + blocks - 1, blocks), one_unit, jnp.int32(0))


def copy_ahead(
    ring: Ring, first_step: jax.Array, steps: jax.Array, copy: Callable[[jax.Array, jax.Array], None]
) -> None:
    """Call `copy(step, slot)` for every step of a unit, once the slot is free."""

    @pl.loop(0, steps)
    def _step(step: jax.Array) -> None:
        slot = lax.rem(first_step + step, ring.stages)
        # The first round of the ring fills empty slots. Later a slot is free when both warpgroups have read it in the
        # round before.
        pl.when(first_step + step >= ring.stages)(lambda: plgpu.barrier_wait(ring.free.at[slot]))
        copy(step, slot)


def product(
    ring: Ring,
    first_step: jax.Array,
    steps: jax.Array,
    columns: int,
    left: Callable[[jax.Array], Any],
    right: Callable[[jax.Array], Any],
) -> jax.Array:
    """Return float32[64, columns]: the sum over the steps of a unit of `left(slot) @ right(slot)`."""

    # A product is issued, not finished, when `wgmma` returns. Waiting for all but the last one keeps one product
    # running while the next stage is waited for; only then has the slot of the step before been read, and may be freed.
    # The slot of the last step is freed after the accumulator is read, which waits for every product.
    def accumulate(acc: Any) -> jax.Array:
        @pl.loop(0, steps)
        def _step(step: jax.Array) -> None:
            slot = lax.rem(first_step + step, ring.stages)
            plgpu.barrier_wait(ring.ready.at[slot])
            plgpu.wgmma(acc, left(slot), right(slot))
            plgpu.wgmma_wait(1)
            pl.when(step > 0)(lambda: plgpu.barrier_arrive(ring.free.at[lax.rem(first_step + step - 1, ring.stages)]))

        done: jax.Array = acc[...]
        return done

    result: jax.Array = pl.run_scoped(accumulate, plgpu.ACC((ROWS, columns), jnp.float32))
    pl.when(steps > 0)(lambda: plgpu.barrier_arrive(ring.free.at[lax.rem(first_step + steps - 1, ring.stages)]))
    return result


def store(value: jax.Array, out: Any, slots: Any, begin: jax.Array | int = 0, end: jax.Array | int = ROWS) -> None:
    """Write rows `begin` to `end` of [64, columns] to the same rows of `out`, 64 columns at a time."""
    # The pieces of 64 columns use the slots in turn: a slot is written again when the copies from it have read it,
    # which are all but the newest ones. A copy has a size that is fixed when the kernel is compiled, so there is one
    # for each power of two, and those run that are in the binary digits of the number of rows.
    number = slots.shape[0]
    for index in range(value.shape[1] // ATOM):
        slot = slots.at[index % number]
        columns = slice(index * ATOM, (index + 1) * ATOM)
        plgpu.wait_smem_to_gmem(number - 1, wait_read_only=True)
        slot[...] = value[:, columns]
        plgpu.commit_smem()
        row, size = begin, ROWS
        while size:
            pl.when((end - begin) & size != 0)(functools.partial(_copy_rows, slot, out.at[:, columns], row, size))
            row, size = row + ((end - begin) & size), size // 2
        plgpu.commit_smem_to_gmem_group()


def _copy_rows(slot: Any, out: Any, row: jax.Array | int, size: int) -> None:
    plgpu.copy_smem_to_gmem(slot.at[pl.ds(row, size)], out.at[pl.ds(row, size)], commit_group=False)


def split_work(copies: Callable[[], None], computes: Callable[[jax.Array], None]) -> None:
    """Run `copies` on one warpgroup and `computes(warpgroup)` on the others."""
    warpgroup = lax.axis_index("warpgroup")

    @pl.when(warpgroup == COMPUTE_GROUPS)
    def _copy() -> None:
        plgpu.set_max_registers(COPY_REGISTERS, action="decrease")
        copies()

    @pl.when(warpgroup < COMPUTE_GROUPS)
    def _compute() -> None:
        plgpu.set_max_registers(COMPUTE_REGISTERS, action="increase")
        computes(warpgroup)
        plgpu.wait_smem_to_gmem(0)


def launch(tile: ProductTile, name: str) -> dict[str, Any]:
    """Return the arguments of `plgpu.kernel` that both kernels share."""
    return {
        "grid": (tile.blocks,),
        "grid_names": ("block",),
        "num_threads": COMPUTE_GROUPS + 1,
        "thread_name": "warpgroup",
        "kernel_name": name,
    }
