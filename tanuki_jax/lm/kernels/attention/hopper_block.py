"""Parts that the three Hopper kernels of attention share: a block's work, its registers, its mask, its ring of tiles.

A block works on one tile of its side, which stays in shared memory: of queries in `hopper_forward` and `hopper_dq`, of
keys and values in `hopper_dkdv`. The tiles of the other side that it has to visit pass through a ring: tile n is copied
into slot n % stages.

Two barriers guard each slot. `ready`: the copy engine arrives when it has filled the slot, and the warpgroups wait for
it before they read. `free`: each warpgroup arrives when it has read the slot, and whoever starts the copies waits for
it before the slot is filled again. The first `stages` tiles need no such wait, because their slots are empty. A barrier
lets its waiters pass when all arrivals of a round of the ring are in, and then counts those of the next round.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Self

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import mosaic_gpu as plgpu

from tanuki_jax.lm.kernels.warpgroups import COMPUTE_GROUPS, ROWS

BLOCK_ROWS = COMPUTE_GROUPS * ROWS
"""Queries (or keys) of a block."""
LOG2_E = math.log2(math.e)
"""Factor from natural to binary exponents: the hardware computes powers of two."""


class BackwardInputs(NamedTuple):
    """Inputs of both backward kernels, as arrays outside a kernel and as references to them inside."""

    q: Any
    """bfloat16[B, T, H, D]."""
    k: Any
    """bfloat16[B, S, K, D]."""
    v: Any
    """bfloat16[B, S, K, D]."""
    d_out: Any
    """[B, T, H, D], gradient of the output."""
    lse_and_delta: Any
    """float32[B, H, 2, T]: log-sum-exp of the scores in powers of two, and delta.

    Delta is the sum over D of the output times its gradient, less the gradient of the log-sum-exp.
    """
    key_range: Any
    """int32[B, 2, T], the first and the last key that a query sees."""

    @classmethod
    def of(cls, references: Sequence[Any]) -> tuple[Self, tuple[Any, ...]]:
        """Return the inputs among the references that a kernel gets first, and those of `Bounds` behind them."""
        count = len(cls._fields)
        return cls(*references[:count]), tuple(references[count:])


class TileRing(NamedTuple):
    """Ring of tiles of the other side: of keys where a block has queries, of queries where it has keys."""

    rows: int
    """Keys, or queries, in a tile. They divide the `MULTIPLE` to which `hopper` pads."""
    stages: int
    """Slots of the ring. The backward kernels fetch half of them ahead."""


class Block(NamedTuple):
    """The work of a block: a tile of one row and head, and, as in `Bounds`, the tiles that it visits."""

    row: jax.Array
    head: jax.Array
    tile: jax.Array
    begin: jax.Array
    full_begin: jax.Array
    full_end: jax.Array
    end: jax.Array

    @classmethod
    def current(cls, bounds: tuple[Any, ...], *, late_first: bool) -> Self:
        """Return the work of the block that runs this code, in a grid (row, tile, head).

        `late_first` reverses the tiles: in a causal row the late tiles of queries visit most keys, and blocks of long
        work should start first.
        """
        row, index = lax.axis_index("row"), lax.axis_index("tile")
        tile = lax.axis_size("tile") - 1 - index if late_first else index
        return cls(row, lax.axis_index("head"), tile, *(side[row, tile] for side in bounds))

    def full(self, tile: jax.Array) -> jax.Array:
        """Whether all of a tile of the other side is visible."""
        return (tile >= self.full_begin) & (tile < self.full_end)


def filled(shape: tuple[int, ...], value: float, layout: Any) -> jax.Array:
    """Return a float32 array in registers."""
    return plgpu.layout_cast(jnp.full(shape, value, jnp.float32), layout)


def visible_keys(
    shape: tuple[int, int], first: jax.Array, last: jax.Array, first_key: jax.Array, key_dim: int
) -> jax.Array:
    """Return the mask of a tile [64, n] of scores, whose dim `key_dim` is of keys from `first_key` on.

    `first` and `last` are the first and the last key that each query sees.
    """
    key = plgpu.broadcasted_iota(jnp.int32, shape, key_dim, layout=plgpu.Layout.WGMMA) + first_key
    begins, ends = (lax.broadcast_in_dim(side, shape, [1 - key_dim]) for side in (first, last))
    return (key >= begins) & (key <= ends)


def fetch_when_free(
    step: jax.Array, steps: jax.Array, stages: int, free: Any, fetch: Callable[[jax.Array], None]
) -> None:
    """Let the first warpgroup start the copies of a later step, once all have read the slot that they overwrite.

    In the backward kernels no warpgroup only copies: two accumulators a thread leave it no registers. They call this
    half a ring ahead: the slot was read half a ring ago, so the wait is short, and the copy has half a ring of products
    to finish in.
    """

    @pl.when((lax.axis_index("warpgroup") == 0) & (step >= stages) & (step < steps))
    def _fetch() -> None:
        plgpu.barrier_wait(free.at[lax.rem(step, stages)])
        fetch(step)
