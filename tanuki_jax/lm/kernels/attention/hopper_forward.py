"""Forward pass of attention on Hopper: FlashAttention-3 (Shah et al. 2024) over the key tiles of each query tile.

A block has 128 queries of one head. One warpgroup copies tiles of keys and values into the ring of `hopper_block`; two
compute, each for 64 queries: scores, softmax with a running maximum, and the sum of values. They take turns at the
tensor cores.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import mosaic_gpu as plgpu

from tanuki_jax.lm.kernels.attention.hopper_block import BLOCK_ROWS, LOG2_E, Block, TileRing, filled, visible_keys
from tanuki_jax.lm.kernels.attention.intervals import Bounds
from tanuki_jax.lm.kernels.warpgroups import COMPUTE_GROUPS, COMPUTE_REGISTERS, COPY_REGISTERS, ROWS, swizzled

HIDDEN = -1e30
"""Score of a hidden key. It is finite, so that no difference of infinities arises."""
LOWEST = -5e29
"""Initial running maximum: below every real score, and so far above `HIDDEN` that 2^(HIDDEN - LOWEST) is 0."""


class Shared(NamedTuple):
    """Shared memory and barriers of a block."""

    q: Any
    k: Any
    v: Any
    lse: Any
    q_ready: Any
    k_ready: Any
    v_ready: Any
    k_free: Any
    v_free: Any
    turn: Any
    """Barrier at which the two computing warpgroups hand the tensor cores to each other."""


def forward(
    q_bthd: jax.Array, k_bskd: jax.Array, v_bskd: jax.Array, key_range_b2t: jax.Array, bounds: Bounds, ring: TileRing
) -> Any:
    """Return the output [B, T, H, D] and the log-sum-exp float32[B, H, T].

    `key_range_b2t` holds the first and the last key that each query sees. BLOCK_ROWS divides T, and the ring's rows S;
    `bounds` are those of `key_tiles` for these two.
    """
    batch, time, heads, dim = q_bthd.shape
    per_slot = functools.partial(plgpu.Barrier, num_barriers=ring.stages)
    shared = Shared(
        q=swizzled((BLOCK_ROWS, dim), q_bthd.dtype),
        k=swizzled((ring.stages, ring.rows, dim), q_bthd.dtype),
        v=swizzled((ring.stages, ring.rows, dim), q_bthd.dtype),
        lse=plgpu.SMEM((COMPUTE_GROUPS, ROWS), jnp.float32),
        q_ready=plgpu.Barrier(),
        k_ready=per_slot(),
        v_ready=per_slot(),
        k_free=per_slot(num_arrivals=COMPUTE_GROUPS),
        v_free=per_slot(num_arrivals=COMPUTE_GROUPS),
        turn=plgpu.Barrier(num_arrivals=COMPUTE_GROUPS),
    )
    kernel = plgpu.kernel(
        functools.partial(_kernel, group=heads // k_bskd.shape[2], ring=ring),
        out_type=(
            jax.ShapeDtypeStruct(q_bthd.shape, q_bthd.dtype),
            jax.ShapeDtypeStruct((batch, heads, time), jnp.float32),
        ),
        scratch_types=[shared],
        # Heads are neighbours, then tiles of one row: the keys that they share are still in the cache.
        grid=(batch, time // BLOCK_ROWS, heads),
        grid_names=("row", "tile", "head"),
        num_threads=COMPUTE_GROUPS + 1,
        thread_name="warpgroup",
        kernel_name="attention_forward",
        compiler_params=plgpu.CompilerParams(approx_math=True),
    )
    return kernel(q_bthd, k_bskd, v_bskd, key_range_b2t, *bounds)


def _kernel(q: Any, k: Any, v: Any, key_range: Any, *others: Any, group: int, ring: TileRing) -> None:
    *bounds, out, lse, shared = others
    block = Block.current(tuple(bounds), late_first=True)
    warpgroup = lax.axis_index("warpgroup")
    pl.when(warpgroup == COMPUTE_GROUPS)(lambda: _copy(q, k, v, block, shared, group, ring))
    pl.when(warpgroup < COMPUTE_GROUPS)(lambda: _compute(key_range, out, lse, block, shared, ring))


def _copy(q: Any, k: Any, v: Any, block: Block, shared: Shared, group: int, ring: TileRing) -> None:
    """Run the third warpgroup: copy the queries once, and keys and values tile by tile as slots become free."""
    plgpu.set_max_registers(COPY_REGISTERS, action="decrease")
    queries = pl.ds(block.tile * BLOCK_ROWS, BLOCK_ROWS)
    plgpu.copy_gmem_to_smem(q.at[block.row, queries, block.head], shared.q, shared.q_ready)
    kv_head = lax.div(block.head, group)

    # Keys and values have barriers of their own: the keys of a tile are read, and their slot is free, well before its
    # values.
    @pl.loop(0, block.end - block.begin)
    def _step(step: jax.Array) -> None:
        slot = lax.rem(step, ring.stages)
        keys = pl.ds((block.begin + step) * ring.rows, ring.rows)
        for source, smem, ready, free in (
            (k, shared.k, shared.k_ready, shared.k_free),
            (v, shared.v, shared.v_ready, shared.v_free),
        ):
            pl.when(step >= ring.stages)(functools.partial(plgpu.barrier_wait, free.at[slot]))
            plgpu.copy_gmem_to_smem(source.at[block.row, keys, kv_head], smem.at[slot], ready.at[slot])


def _compute(key_range: Any, out: Any, lse: Any, block: Block, shared: Shared, ring: TileRing) -> None:
    """Run one of the first two warpgroups: 64 queries, with a running maximum and sum (Milakov and Gimelshein 2018)."""
    plgpu.set_max_registers(COMPUTE_REGISTERS, action="increase")
    warpgroup = lax.axis_index("warpgroup")
    queries = pl.ds(block.tile * BLOCK_ROWS + warpgroup * ROWS, ROWS)
    q = shared.q.at[pl.ds(warpgroup * ROWS, ROWS)]
    dim = q.shape[1]
    per_query = plgpu.Layout.WGMMA.reduce(1)
    first_and_last = tuple(
        plgpu.load(key_range.at[block.row, side, queries], layout=per_query, optimized=False) for side in (0, 1)
    )
    plgpu.barrier_wait(shared.q_ready)
    # The two warpgroups alternate: while one multiplies (weights by values, then queries by the next keys), the other
    # computes its softmax. Each step has two arrivals at `turn`, one after the scores are issued and one after the
    # softmax. The second warpgroup arrives once more at the beginning, the first once more at the end. So each arrival
    # of one pairs with an arrival of the other in the opposite half of a step:
    #     first:   products | softmax  | products | softmax  | ...
    #     second:           | products | softmax  | products | softmax ...
    pl.when(warpgroup == 1)(lambda: _take_turns(shared))
    acc, largest, total = lax.fori_loop(
        0,
        block.end - block.begin,
        functools.partial(_step, q=q, first_and_last=first_and_last, block=block, shared=shared, ring=ring),
        (
            filled((ROWS, dim), 0.0, plgpu.Layout.WGMMA),
            filled((ROWS,), LOWEST, per_query),
            filled((ROWS,), 0.0, per_query),
        ),
    )
    pl.when(warpgroup == 0)(lambda: _take_turns(shared))

    # The queries have been read, so their shared memory takes the output.
    sees_keys = total > 0
    divisor = jnp.where(sees_keys, total, 1.0)
    q[...] = (acc * lax.broadcast_in_dim(1 / divisor, acc.shape, [0])).astype(out.dtype)
    shared.lse.at[warpgroup][...] = jnp.where(sees_keys, largest / LOG2_E + jnp.log(divisor), -jnp.inf)
    plgpu.commit_smem()
    plgpu.copy_smem_to_gmem(q, out.at[block.row, queries, block.head])
    plgpu.copy_smem_to_gmem(shared.lse.at[warpgroup], lse.at[block.row, block.head, queries])
    plgpu.wait_smem_to_gmem(0)


def _take_turns(shared: Shared) -> None:
    plgpu.barrier_arrive(shared.turn)
    plgpu.barrier_wait(shared.turn)


def _step(
    step: jax.Array,
    carry: tuple[jax.Array, jax.Array, jax.Array],
    *,
    q: Any,
    first_and_last: tuple[jax.Array, ...],
    block: Block,
    shared: Shared,
    ring: TileRing,
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Add a tile of keys to the unnormalised output, the running maximum (in powers of two) and the running sum."""
    acc, largest, total = carry
    shape, dtype = (ROWS, ring.rows), q.dtype
    slot, key_tile = lax.rem(step, ring.stages), block.begin + step
    first, last = first_and_last

    def products(scores: Any) -> jax.Array:
        plgpu.wgmma(scores, q, shared.k.at[slot].transpose((1, 0)))
        _take_turns(shared)
        done: jax.Array = scores[...]
        return done

    def masked(scores: jax.Array) -> jax.Array:
        return jnp.where(visible_keys(shape, first, last, key_tile * ring.rows, 1), scores, HIDDEN)

    plgpu.barrier_wait(shared.k_ready.at[slot])
    scores = pl.run_scoped(products, plgpu.ACC(shape, jnp.float32))
    plgpu.barrier_arrive(shared.k_free.at[slot])
    scores *= q.shape[1] ** -0.5 * LOG2_E
    scores = lax.cond(block.full(key_tile), lambda scores: scores, masked, scores)
    new_largest = jnp.maximum(largest, scores.max(axis=1))
    # If the maximum grows, everything that was added with the old one is scaled down to the new one.
    rescale = jnp.exp2(largest - new_largest)
    weights = jnp.exp2(scores - lax.broadcast_in_dim(new_largest, shape, [0]))
    acc *= lax.broadcast_in_dim(rescale, acc.shape, [0])
    total = total * rescale + weights.sum(axis=1)
    # The arrival lets the other warpgroup begin its softmax; this barrier keeps jax from moving our own behind the
    # arrival.
    acc, total, new_largest, weights_16 = lax.optimization_barrier((acc, total, new_largest, weights.astype(dtype)))
    plgpu.barrier_arrive(shared.turn)
    plgpu.barrier_wait(shared.v_ready.at[slot])
    plgpu.barrier_wait(shared.turn)
    acc = pl.run_state(lambda ref: plgpu.wgmma(ref, weights_16, shared.v.at[slot]))(plgpu.ACC.init(acc))
    plgpu.barrier_arrive(shared.v_free.at[slot])
    return acc, new_largest, total
