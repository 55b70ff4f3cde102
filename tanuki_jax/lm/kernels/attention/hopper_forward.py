"""Forward pass of attention on Hopper: FlashAttention-3 (Shah et al. 2024) over the key tiles that each query tile needs."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import mosaic_gpu as plgpu

from tanuki_jax.lm.kernels.attention.hopper_block import LOG2_E, OWN, Block, TileRing, filled, seen_keys
from tanuki_jax.lm.kernels.attention.intervals import Bounds
from tanuki_jax.lm.kernels.warpgroups import COMPUTE_GROUPS, COMPUTE_REGISTERS, COPY_REGISTERS, ROWS, swizzled

HIDDEN = -1e30
"""Score of a hidden key. Finite, and far below `LOWEST`, so that no difference of infinities arises."""
LOWEST = -5e29
"""Least value of the running maximum."""


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
    """The two warpgroups that compute take turns: one multiplies while the other has its softmax."""


def forward(
    q_bthd: jax.Array, k_bskd: jax.Array, v_bskd: jax.Array, ends_b2t: jax.Array, bounds: Bounds, ring: TileRing
) -> Any:
    """Output [B, T, H, D] and log-sum-exp float32[B, H, T].

    `ends_b2t` are the first and the last key that each query sees. OWN divides T, and the ring's rows S; `bounds` are those of `key_tiles`
    for these.
    """
    batch, time, heads, dim = q_bthd.shape
    per_stage = functools.partial(plgpu.Barrier, num_barriers=ring.stages)
    shared = Shared(
        q=swizzled((OWN, dim), q_bthd.dtype),
        k=swizzled((ring.stages, ring.rows, dim), q_bthd.dtype),
        v=swizzled((ring.stages, ring.rows, dim), q_bthd.dtype),
        lse=plgpu.SMEM((COMPUTE_GROUPS, ROWS), jnp.float32),
        q_ready=plgpu.Barrier(),
        k_ready=per_stage(),
        v_ready=per_stage(),
        k_free=per_stage(num_arrivals=COMPUTE_GROUPS),
        v_free=per_stage(num_arrivals=COMPUTE_GROUPS),
        turn=plgpu.Barrier(num_arrivals=COMPUTE_GROUPS),
    )
    kernel = plgpu.kernel(
        functools.partial(_kernel, group=heads // k_bskd.shape[2], ring=ring),
        out_type=(
            jax.ShapeDtypeStruct(q_bthd.shape, q_bthd.dtype),
            jax.ShapeDtypeStruct((batch, heads, time), jnp.float32),
        ),
        scratch_types=[shared],
        grid=(
            batch,
            time // OWN,
            heads,
        ),  # heads side by side, then tiles of one row: what they share is still in the cache
        grid_names=("row", "tile", "head"),
        num_threads=COMPUTE_GROUPS + 1,
        thread_name="group",
        kernel_name="attention_forward",
        compiler_params=plgpu.CompilerParams(approx_math=True),
    )
    return kernel(q_bthd, k_bskd, v_bskd, ends_b2t, *bounds)


def _kernel(q: Any, k: Any, v: Any, ends: Any, *others: Any, group: int, ring: TileRing) -> None:
    *bounds, out, lse, shared = others
    block = Block.here(tuple(bounds), late_first=True)
    worker = lax.axis_index("group")
    pl.when(worker == COMPUTE_GROUPS)(lambda: _copy(q, k, v, block, shared, group, ring))
    pl.when(worker < COMPUTE_GROUPS)(lambda: _compute(ends, out, lse, block, shared, ring))


def _copy(q: Any, k: Any, v: Any, block: Block, shared: Shared, group: int, ring: TileRing) -> None:
    """The third warpgroup: keys and values into shared memory, as places fall free."""
    plgpu.set_max_registers(COPY_REGISTERS, action="decrease")
    queries = pl.ds(block.own * OWN, OWN)
    plgpu.copy_gmem_to_smem(q.at[block.row, queries, block.head], shared.q, shared.q_ready)
    kv_head = lax.div(block.head, group)

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


def _compute(ends: Any, out: Any, lse: Any, block: Block, shared: Shared, ring: TileRing) -> None:
    """One of the first two warpgroups: 64 queries against all keys, with a running maximum and sum (Milakov and Gimelshein 2018)."""
    plgpu.set_max_registers(COMPUTE_REGISTERS, action="increase")
    worker = lax.axis_index("group")
    queries = pl.ds(block.own * OWN + worker * ROWS, ROWS)
    mine = shared.q.at[pl.ds(worker * ROWS, ROWS)]
    dim = mine.shape[1]
    per_query = plgpu.Layout.WGMMA.reduce(1)
    seen = tuple(plgpu.load(ends.at[block.row, side, queries], layout=per_query, optimized=False) for side in (0, 1))
    plgpu.barrier_wait(shared.q_ready)
    pl.when(worker == 1)(lambda: _take_turns(shared))
    acc, top, total = lax.fori_loop(
        0,
        block.end - block.begin,
        functools.partial(_step, mine=mine, seen=seen, block=block, shared=shared, ring=ring),
        (
            filled((ROWS, dim), 0.0, plgpu.Layout.WGMMA),
            filled((ROWS,), LOWEST, per_query),
            filled((ROWS,), 0.0, per_query),
        ),
    )
    pl.when(worker == 0)(lambda: _take_turns(shared))

    attends = total > 0
    safe = jnp.where(attends, total, 1.0)
    mine[...] = (acc * lax.broadcast_in_dim(1 / safe, acc.shape, [0])).astype(out.dtype)
    shared.lse.at[worker][...] = jnp.where(attends, top / LOG2_E + jnp.log(safe), -jnp.inf)
    plgpu.commit_smem()
    plgpu.copy_smem_to_gmem(mine, out.at[block.row, queries, block.head])
    plgpu.copy_smem_to_gmem(shared.lse.at[worker], lse.at[block.row, block.head, queries])
    plgpu.wait_smem_to_gmem(0)


def _take_turns(shared: Shared) -> None:
    plgpu.barrier_arrive(shared.turn)
    plgpu.barrier_wait(shared.turn)


def _step(
    step: jax.Array,
    carry: tuple[jax.Array, jax.Array, jax.Array],
    *,
    mine: Any,
    seen: tuple[jax.Array, ...],
    block: Block,
    shared: Shared,
    ring: TileRing,
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Takes a tile of keys into the unnormalised output, the running maximum (in powers of two) and the running sum."""
    acc, top, total = carry
    shape, dtype = (ROWS, ring.rows), mine.dtype
    slot, key_tile = lax.rem(step, ring.stages), block.begin + step

    def products(scores: Any) -> jax.Array:
        plgpu.wgmma(scores, mine, shared.k.at[slot].transpose((1, 0)))
        _take_turns(shared)
        done: jax.Array = scores[...]
        return done

    def masked(scores: jax.Array) -> jax.Array:
        return jnp.where(seen_keys(shape, seen[0], seen[1], key_tile * ring.rows, 1), scores, HIDDEN)

    plgpu.barrier_wait(shared.k_ready.at[slot])
    scores = pl.run_scoped(products, plgpu.ACC(shape, jnp.float32))
    plgpu.barrier_arrive(shared.k_free.at[slot])
    scores *= mine.shape[1] ** -0.5 * LOG2_E
    scores = lax.cond(block.full(key_tile), lambda scores: scores, masked, scores)
    new_top = jnp.maximum(top, scores.max(axis=1))
    shrink = jnp.exp2(top - new_top)
    weights = jnp.exp2(scores - lax.broadcast_in_dim(new_top, shape, [0]))
    acc *= lax.broadcast_in_dim(shrink, acc.shape, [0])
    total = total * shrink + weights.sum(axis=1)
    acc, total, new_top, narrow = lax.optimization_barrier((acc, total, new_top, weights.astype(dtype)))
    plgpu.barrier_arrive(shared.turn)
    plgpu.barrier_wait(shared.v_ready.at[slot])
    plgpu.barrier_wait(shared.turn)
    acc = pl.run_state(lambda ref: plgpu.wgmma(ref, narrow, shared.v.at[slot]))(plgpu.ACC.init(acc))
    plgpu.barrier_arrive(shared.v_free.at[slot])
    return acc, new_top, total
