"""What the Hopper kernels share: blocks that stay, one warpgroup that copies ahead and two that multiply."""

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
    """A tile of the output, and how much of the sum is in shared memory."""

    columns: int
    depth: int = 64
    """Terms of the sum in one stage."""
    stages: int = 4
    blocks: int = 132
    """Blocks that share the work, one for each multiprocessor of an H100 SXM or H200; a card with fewer takes two rounds."""

    @property
    def rows(self) -> int:
        return COMPUTE_GROUPS * ROWS


@dataclasses.dataclass(frozen=True)
class Ring:
    """Stages in shared memory, used in turn: `ready` once both sides are copied, `free` once both warpgroups have read them."""

    ready: Any
    free: Any
    stages: int


def ring_barriers(stages: int) -> dict[str, Any]:
    return {
        "ready": plgpu.Barrier(num_arrivals=2, num_barriers=stages),
        "free": plgpu.Barrier(num_arrivals=COMPUTE_GROUPS, num_barriers=stages),
    }


def output_slots(dtype: Any) -> Any:
    """Pieces of output on their way to memory, two of each warpgroup; in tiles of one row, so that a copy can begin at any."""
    return swizzled((COMPUTE_GROUPS, 2, ROWS, ATOM), dtype, rows=1)


def over_units(
    total: jax.Array | int, steps_of: Callable[[jax.Array], jax.Array], body: Callable[[jax.Array, jax.Array], None]
) -> None:
    """Calls `body(unit, turn)` for this block's units; `turn` counts the steps of those before."""
    block, blocks = lax.axis_index("block"), lax.axis_size("block")

    def one(index: jax.Array, turn: jax.Array) -> jax.Array:
        unit = block + index * blocks
        body(unit, turn)
        return turn + steps_of(unit)

    lax.fori_loop(0, lax.div(total - block + blocks - 1, blocks), one, jnp.int32(0))


def copy_ahead(ring: Ring, turn: jax.Array, steps: jax.Array, copy: Callable[[jax.Array, jax.Array], None]) -> None:
    """Calls `copy(step, slot)` for every step, once the slot is free."""

    @pl.loop(0, steps)
    def _step(step: jax.Array) -> None:
        slot = lax.rem(turn + step, ring.stages)
        pl.when(turn + step >= ring.stages)(lambda: plgpu.barrier_wait(ring.free.at[slot]))
        copy(step, slot)


def product(
    ring: Ring,
    turn: jax.Array,
    steps: jax.Array,
    columns: int,
    left: Callable[[jax.Array], Any],
    right: Callable[[jax.Array], Any],
) -> jax.Array:
    """float32[64, columns]: the sum over the steps of `left(slot) @ right(slot)`; one step is multiplied while the next is waited for."""

    def accumulate(acc: Any) -> jax.Array:
        @pl.loop(0, steps)
        def _step(step: jax.Array) -> None:
            slot = lax.rem(turn + step, ring.stages)
            plgpu.barrier_wait(ring.ready.at[slot])
            plgpu.wgmma(acc, left(slot), right(slot))
            plgpu.wgmma_wait(1)
            pl.when(step > 0)(lambda: plgpu.barrier_arrive(ring.free.at[lax.rem(turn + step - 1, ring.stages)]))

        done: jax.Array = acc[...]
        return done

    result: jax.Array = pl.run_scoped(accumulate, plgpu.ACC((ROWS, columns), jnp.float32))
    pl.when(steps > 0)(lambda: plgpu.barrier_arrive(ring.free.at[lax.rem(turn + steps - 1, ring.stages)]))
    return result


def store(value: jax.Array, out: Any, slots: Any, begin: jax.Array | int = 0, end: jax.Array | int = ROWS) -> None:
    """Writes rows `begin` to `end` of [64, columns] to the same rows of `out`, 64 columns at a time through the slots in turn.

    A copy has a fixed size, so there is one for each power of two in the number of rows.
    """
    number = slots.shape[0]
    for index in range(value.shape[1] // ATOM):
        slot = slots.at[index % number]
        columns = slice(index * ATOM, (index + 1) * ATOM)
        plgpu.wait_smem_to_gmem(number - 1, wait_read_only=True)
        slot[...] = value[:, columns]
        plgpu.commit_smem()
        at, size = begin, ROWS
        while size:
            pl.when((end - begin) & size != 0)(functools.partial(_copy_rows, slot, out.at[:, columns], at, size))
            at, size = at + ((end - begin) & size), size // 2
        plgpu.commit_smem_to_gmem_group()


def _copy_rows(slot: Any, out: Any, at: jax.Array | int, size: int) -> None:
    plgpu.copy_smem_to_gmem(slot.at[pl.ds(at, size)], out.at[pl.ds(at, size)], commit_group=False)


def split_work(copies: Callable[[], None], computes: Callable[[jax.Array], None]) -> None:
    """Runs `copies` on one warpgroup and `computes(worker)` on the others."""
    worker = lax.axis_index("group")

    @pl.when(worker == COMPUTE_GROUPS)
    def _copy() -> None:
        plgpu.set_max_registers(COPY_REGISTERS, action="decrease")
        copies()

    @pl.when(worker < COMPUTE_GROUPS)
    def _compute() -> None:
        plgpu.set_max_registers(COMPUTE_REGISTERS, action="increase")
        computes(worker)
        plgpu.wait_smem_to_gmem(0)


def launch(tile: ProductTile, name: str) -> dict[str, Any]:
    """Arguments of `plgpu.kernel` that all kernels share."""
    return {
        "grid": (tile.blocks,),
        "grid_names": ("block",),
        "num_threads": COMPUTE_GROUPS + 1,
        "thread_name": "group",
        "kernel_name": name,
    }
