"""What the Hopper kernels of attention share: how a block's work is found, and how its threads hold and fetch it."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, Self

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import mosaic_gpu as plgpu

from tanuki_jax.lm.kernels.warpgroups import COMPUTE_GROUPS, ROWS

OWN = COMPUTE_GROUPS * ROWS
"""Queries (or keys) of a block."""
LOG2_E = math.log2(math.e)
"""Exponentials are taken in powers of two, which is what the hardware has."""


class TileRing(NamedTuple):
    """Ring of tiles in shared memory, through which the other side of attention passes a block: keys past queries, or queries past keys."""

    rows: int
    """Keys, or queries, in a tile. They divide the number that is padded to in `hopper`."""
    stages: int
    """Slots of the ring. The backward kernels fetch half of them ahead."""


class Block(NamedTuple):
    """Where in the work a block is: one tile of its own side, of one head, against the tiles of the other side from `begin` to `end`."""

    row: jax.Array
    head: jax.Array
    own: jax.Array
    begin: jax.Array
    full_begin: jax.Array
    full_end: jax.Array
    end: jax.Array

    @classmethod
    def here(cls, bounds: tuple[Any, ...], *, late_first: bool) -> Self:
        """This block's, in a grid (row, tile, head). In a causal row the late tiles of queries are the long ones, and should go first."""
        row, tile = lax.axis_index("row"), lax.axis_index("tile")
        own = lax.axis_size("tile") - 1 - tile if late_first else tile
        return cls(row, lax.axis_index("head"), own, *(side[row, own] for side in bounds))

    def full(self, tile: jax.Array) -> jax.Array:
        """Whether everything in a tile of the other side is visible."""
        return (tile >= self.full_begin) & (tile < self.full_end)


def filled(shape: tuple[int, ...], value: float, layout: Any) -> jax.Array:
    """A float32 array in registers."""
    return plgpu.layout_cast(jnp.full(shape, value, jnp.float32), layout)


def seen_keys(shape: tuple[int, int], first: jax.Array, last: jax.Array, base: jax.Array, key_dim: int) -> jax.Array:
    """Which scores of a tile [64, n] are of keys inside their query's interval; `key_dim` is the dim of keys, which begin at `base`."""
    key = plgpu.broadcasted_iota(jnp.int32, shape, key_dim, layout=plgpu.Layout.WGMMA) + base
    begins, ends = (lax.broadcast_in_dim(side, shape, [1 - key_dim]) for side in (first, last))
    return (key >= begins) & (key <= ends)


def fetch_later(later: jax.Array, steps: jax.Array, stages: int, free: Any, fetch: Callable[[jax.Array], None]) -> None:
    """The first warpgroup fetches for step `later`, once all are done with what lies in its place."""

    @pl.when((lax.axis_index("group") == 0) & (later >= stages) & (later < steps))
    def _fetch() -> None:
        plgpu.barrier_wait(free.at[lax.rem(later, stages)])
        fetch(later)
