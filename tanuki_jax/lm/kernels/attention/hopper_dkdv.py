"""Gradients of keys and values on Hopper: each tile of keys over the query tiles that need it, of every query head that shares it.

Together with the gradient of the queries that makes seven products, where one kernel with atomic additions takes five: the price of
sums whose order never changes.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import mosaic_gpu as plgpu

from tanuki_jax.lm.kernels.attention.hopper_block import LOG2_E, OWN, Block, TileRing, fetch_later, filled, seen_keys
from tanuki_jax.lm.kernels.attention.hopper_dq import Given
from tanuki_jax.lm.kernels.attention.intervals import Bounds
from tanuki_jax.lm.kernels.warpgroups import COMPUTE_GROUPS, ROWS, swizzled


class Shared(NamedTuple):
    """Shared memory and barriers of a block."""

    k: Any
    v: Any
    q: Any
    g: Any
    sums: Any
    ends: Any
    own_ready: Any
    q_ready: Any
    g_ready: Any
    free: Any


def key_gradients(given: Given, bounds: Bounds, ring: TileRing) -> tuple[jax.Array, jax.Array]:
    """Of k and of v, each [B, S, K, D] in their type.

    `bounds` are those of `query_tiles` for `ring.rows`, which divide T, and OWN keys, which divide S.
    """
    batch, keys, kv_heads, dim = given.k.shape
    gradient = jax.ShapeDtypeStruct(given.k.shape, given.k.dtype)
    own, others = swizzled((OWN, dim), given.k.dtype), swizzled((ring.stages, ring.rows, dim), given.k.dtype)
    pairs = functools.partial(plgpu.SMEM, (ring.stages, 2, ring.rows))
    per_stage = functools.partial(plgpu.Barrier, num_barriers=ring.stages)
    shared = Shared(
        k=own,
        v=own,
        q=others,
        g=others,
        sums=pairs(jnp.float32),
        ends=pairs(jnp.int32),
        own_ready=plgpu.Barrier(num_arrivals=2),
        q_ready=per_stage(num_arrivals=3),
        g_ready=per_stage(),
        free=per_stage(num_arrivals=COMPUTE_GROUPS),
    )
    # Two accumulators a thread leave no registers for a third warpgroup that only copies: the first one fetches ahead.
    kernel = plgpu.kernel(
        functools.partial(_kernel, group=given.q.shape[2] // kv_heads, ring=ring),
        out_type=(gradient, gradient),
        scratch_types=[shared],
        grid=(batch, keys // OWN, kv_heads),
        grid_names=("row", "tile", "head"),
        num_threads=COMPUTE_GROUPS,
        thread_name="group",
        kernel_name="attention_key_gradients",
        compiler_params=plgpu.CompilerParams(approx_math=True),
    )
    gradients: tuple[jax.Array, jax.Array] = kernel(*given, *bounds)
    return gradients


def _kernel(*references: Any, group: int, ring: TileRing) -> None:
    *inputs, k_out, v_out, shared = references
    given, block = Given(*inputs[:6]), Block.here(tuple(inputs[6:]), late_first=False)
    worker, dim = lax.axis_index("group"), shared.k.shape[1]
    steps = (block.end - block.begin) * group
    fetch = functools.partial(_fetch, given=given, block=block, shared=shared, group=group, ring=ring)

    @pl.when(worker == 0)
    def _begin() -> None:
        for source, smem in ((given.k, shared.k), (given.v, shared.v)):
            plgpu.copy_gmem_to_smem(
                source.at[block.row, pl.ds(block.own * OWN, OWN), block.head], smem, shared.own_ready
            )
        pl.loop(0, jnp.minimum(steps, ring.stages))(fetch)

    plgpu.barrier_wait(shared.own_ready)
    zero = filled((ROWS, dim), 0.0, plgpu.Layout.WGMMA)

    def step(step: jax.Array, carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        return _step(
            step, carry, block, shared, ring, lambda later: fetch_later(later, steps, ring.stages, shared.free, fetch)
        )

    k_acc, v_acc = lax.fori_loop(0, steps, step, (zero, zero))
    rows = pl.ds(worker * ROWS, ROWS)
    my_k, my_v = shared.k.at[rows], shared.v.at[rows]
    my_k[...] = (k_acc * dim**-0.5).astype(k_out.dtype)
    my_v[...] = v_acc.astype(v_out.dtype)
    plgpu.commit_smem()
    keys = pl.ds(block.own * OWN + worker * ROWS, ROWS)
    plgpu.copy_smem_to_gmem(my_k, k_out.at[block.row, keys, block.head])
    plgpu.copy_smem_to_gmem(my_v, v_out.at[block.row, keys, block.head])
    plgpu.wait_smem_to_gmem(0)


def _fetch(step: jax.Array, *, given: Given, block: Block, shared: Shared, group: int, ring: TileRing) -> None:
    """Brings the tile of queries of a step, one head after the other, and what is known of them."""
    slot, tiles = lax.rem(step, ring.stages), block.end - block.begin
    head = block.head * group + lax.div(step, tiles)
    queries = pl.ds((block.begin + lax.rem(step, tiles)) * ring.rows, ring.rows)
    for source, smem, ready in (
        (given.q.at[block.row, queries, head], shared.q, shared.q_ready),
        (given.sums.at[block.row, head, :, queries], shared.sums, shared.q_ready),
        (given.ends.at[block.row, :, queries], shared.ends, shared.q_ready),
        (given.g.at[block.row, queries, head], shared.g, shared.g_ready),
    ):
        plgpu.copy_gmem_to_smem(source, smem.at[slot], ready.at[slot])


def _step(
    step: jax.Array, carry: tuple[jax.Array, jax.Array], block: Block, shared: Shared, ring: TileRing, fetch_later: Any
) -> tuple[jax.Array, jax.Array]:
    """Takes a tile of queries into the gradients of 64 keys and values, each [64, D]; that of the keys lacks the scale."""
    k_acc, v_acc = carry
    worker, dtype = lax.axis_index("group"), shared.k.dtype
    shape, rows = (ROWS, ring.rows), pl.ds(worker * ROWS, ROWS)
    slot, query_tile = lax.rem(step, ring.stages), block.begin + lax.rem(step, block.end - block.begin)
    per_query = plgpu.Layout.WGMMA.reduce(0)

    def scores_and_slopes(scores_ref: Any, slopes_ref: Any) -> tuple[jax.Array, jax.Array]:
        plgpu.barrier_wait(shared.q_ready.at[slot])
        plgpu.wgmma(scores_ref, shared.k.at[rows], shared.q.at[slot].transpose((1, 0)))
        plgpu.barrier_wait(shared.g_ready.at[slot])
        plgpu.wgmma(slopes_ref, shared.v.at[rows], shared.g.at[slot].transpose((1, 0)))
        return scores_ref[...], slopes_ref[...]

    def masked(weights: jax.Array) -> jax.Array:
        first, last = (plgpu.load(shared.ends.at[slot, side], layout=per_query) for side in (0, 1))
        return jnp.where(seen_keys(shape, first, last, block.own * OWN + worker * ROWS, 0), weights, 0.0)

    def accumulate(refs: tuple[Any, Any]) -> None:
        plgpu.wgmma(refs[0], change, shared.q.at[slot])
        plgpu.wgmma(refs[1], narrow, shared.g.at[slot])

    scores, slopes = pl.run_scoped(scores_and_slopes, *[plgpu.ACC(shape, jnp.float32)] * 2)
    fetch_later(step + ring.stages // 2)
    lse2 = plgpu.load(shared.sums.at[slot, 0], layout=per_query)
    weights = jnp.exp2(scores * (k_acc.shape[1] ** -0.5 * LOG2_E) - lax.broadcast_in_dim(lse2, shape, [1]))
    weights = lax.cond(block.full(query_tile), lambda weights: weights, masked, weights)
    # Loaded only now: with the mask's values beside it there would not be registers enough.
    delta = plgpu.load(shared.sums.at[slot, 1], layout=per_query)
    change = (weights * (slopes - lax.broadcast_in_dim(delta, shape, [1]))).astype(dtype)
    narrow = weights.astype(dtype)
    k_acc, v_acc = pl.run_state(accumulate)((plgpu.ACC.init(k_acc), plgpu.ACC.init(v_acc)))
    plgpu.commit_smem()  # the loads above and the copies that follow go through different proxies
    plgpu.barrier_arrive(shared.free.at[slot])
    return k_acc, v_acc
