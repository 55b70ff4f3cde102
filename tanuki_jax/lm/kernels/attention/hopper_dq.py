"""Gradient of the queries on Hopper: scores computed again (FlashAttention-2, Dao 2023) over the key tiles that each query tile needs."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import mosaic_gpu as plgpu

from tanuki_jax.lm.kernels.attention.hopper_block import LOG2_E, OWN, Block, TileRing, fetch_later, filled, seen_keys
from tanuki_jax.lm.kernels.attention.intervals import Bounds
from tanuki_jax.lm.kernels.warpgroups import COMPUTE_GROUPS, ROWS, swizzled


class Given(NamedTuple):
    """What the backward pass knows, as arrays outside a kernel and as references to them inside."""

    q: Any
    """bfloat16[B, T, H, D]; `k` and `v` are [B, S, K, D]."""
    k: Any
    v: Any
    g: Any
    """[B, T, H, D], gradient of the output."""
    sums: Any
    """float32[B, H, 2, T]: log-sum-exp of the scores in powers of two; sum over D of output times `g`, less the log-sum-exp's gradient."""
    ends: Any
    """int32[B, 2, T], the first and the last key that a query sees."""


class Shared(NamedTuple):
    """Shared memory and barriers of a block."""

    q: Any
    g: Any
    k: Any
    v: Any
    own_ready: Any
    k_ready: Any
    v_ready: Any
    free: Any


def query_gradient(given: Given, bounds: Bounds, ring: TileRing) -> jax.Array:
    """[B, T, H, D], in the type of q.

    `bounds` are those of `key_tiles` for OWN queries, which divide T, and `ring.rows`, which divide S.
    """
    batch, time, heads, dim = given.q.shape
    own, others = swizzled((OWN, dim), given.q.dtype), swizzled((ring.stages, ring.rows, dim), given.q.dtype)
    per_stage = functools.partial(plgpu.Barrier, num_barriers=ring.stages)
    shared = Shared(
        q=own,
        g=own,
        k=others,
        v=others,
        own_ready=plgpu.Barrier(num_arrivals=2),
        k_ready=per_stage(),
        v_ready=per_stage(),
        free=per_stage(num_arrivals=COMPUTE_GROUPS),
    )
    kernel = plgpu.kernel(
        functools.partial(_kernel, group=heads // given.k.shape[2], ring=ring),
        out_type=jax.ShapeDtypeStruct(given.q.shape, given.q.dtype),
        scratch_types=[shared],
        grid=(
            batch,
            time // OWN,
            heads,
        ),  # heads side by side, then tiles of one row: what they share is still in the cache
        grid_names=("row", "tile", "head"),
        num_threads=COMPUTE_GROUPS,
        thread_name="group",
        kernel_name="attention_query_gradient",
        compiler_params=plgpu.CompilerParams(approx_math=True),
    )
    gradient: jax.Array = kernel(*given, *bounds)
    return gradient


def _kernel(*references: Any, group: int, ring: TileRing) -> None:
    *inputs, out, shared = references
    given, block = Given(*inputs[:6]), Block.here(tuple(inputs[6:]), late_first=True)
    worker, dim = lax.axis_index("group"), shared.q.shape[1]
    steps = block.end - block.begin

    def fetch(step: jax.Array) -> None:
        slot = lax.rem(step, ring.stages)
        keys = pl.ds((block.begin + step) * ring.rows, ring.rows)
        for source, smem, ready in ((given.k, shared.k, shared.k_ready), (given.v, shared.v, shared.v_ready)):
            plgpu.copy_gmem_to_smem(
                source.at[block.row, keys, lax.div(block.head, group)], smem.at[slot], ready.at[slot]
            )

    @pl.when(worker == 0)
    def _begin() -> None:
        for source, smem in ((given.q, shared.q), (given.g, shared.g)):
            plgpu.copy_gmem_to_smem(
                source.at[block.row, pl.ds(block.own * OWN, OWN), block.head], smem, shared.own_ready
            )
        pl.loop(0, jnp.minimum(steps, ring.stages))(fetch)

    queries = pl.ds(block.own * OWN + worker * ROWS, ROWS)
    sides = (
        side.at[number]
        for side in (given.ends.at[block.row], given.sums.at[block.row, block.head])
        for number in (0, 1)
    )
    per_query = plgpu.Layout.WGMMA.reduce(1)
    known = tuple(plgpu.load(side.at[queries], layout=per_query, optimized=False) for side in sides)
    plgpu.barrier_wait(shared.own_ready)

    def step(step: jax.Array, acc: jax.Array) -> jax.Array:
        return _step(
            step,
            acc,
            known,
            block,
            shared,
            ring,
            lambda later: fetch_later(later, steps, ring.stages, shared.free, fetch),
        )

    acc = lax.fori_loop(0, steps, step, filled((ROWS, dim), 0.0, plgpu.Layout.WGMMA))
    mine = shared.q.at[pl.ds(worker * ROWS, ROWS)]
    mine[...] = (acc * dim**-0.5).astype(out.dtype)
    plgpu.commit_smem()
    plgpu.copy_smem_to_gmem(mine, out.at[block.row, queries, block.head])
    plgpu.wait_smem_to_gmem(0)


def _step(
    step: jax.Array,
    acc: jax.Array,
    known: tuple[jax.Array, ...],
    block: Block,
    shared: Shared,
    ring: TileRing,
    fetch_later: Any,
) -> jax.Array:
    """Takes a tile of keys into the gradient of 64 queries, [64, D] without the scale."""
    shape, rows = (ROWS, ring.rows), pl.ds(lax.axis_index("group") * ROWS, ROWS)
    slot, key_tile = lax.rem(step, ring.stages), block.begin + step
    first, last, lse2, delta = known

    def scores_and_slopes(scores_ref: Any, slopes_ref: Any) -> tuple[jax.Array, jax.Array]:
        plgpu.barrier_wait(shared.k_ready.at[slot])
        plgpu.wgmma(scores_ref, shared.q.at[rows], shared.k.at[slot].transpose((1, 0)))
        plgpu.barrier_wait(shared.v_ready.at[slot])
        plgpu.wgmma(slopes_ref, shared.g.at[rows], shared.v.at[slot].transpose((1, 0)))
        return scores_ref[...], slopes_ref[...]

    def masked(weights: jax.Array) -> jax.Array:
        return jnp.where(seen_keys(shape, first, last, key_tile * ring.rows, 1), weights, 0.0)

    scores, slopes = pl.run_scoped(scores_and_slopes, *[plgpu.ACC(shape, jnp.float32)] * 2)
    fetch_later(step + ring.stages // 2)
    weights = jnp.exp2(scores * (acc.shape[1] ** -0.5 * LOG2_E) - lax.broadcast_in_dim(lse2, shape, [0]))
    weights = lax.cond(block.full(key_tile), lambda weights: weights, masked, weights)
    change = (weights * (slopes - lax.broadcast_in_dim(delta, shape, [0]))).astype(shared.q.dtype)
    acc = pl.run_state(lambda ref: plgpu.wgmma(ref, change, shared.k.at[slot]))(plgpu.ACC.init(acc))
    plgpu.barrier_arrive(shared.free.at[slot])
    return acc
