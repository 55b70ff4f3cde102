"""Gradient of the queries on Hopper: each query tile over the key tiles that it needs (FlashAttention-2, Dao 2023).

A block has 128 queries of one head, with the gradient of their output; each of its two warpgroups has 64. For each tile
of keys and values in the ring of `hopper_block` they compute the weights P = exp(scores - log-sum-exp), their gradient
dP = dO V^T, the gradient of the scores dS = P (dP - delta), and add dS K to the result.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import mosaic_gpu as plgpu

from tanuki_jax.lm.kernels.attention.hopper_block import (
    BLOCK_ROWS,
    LOG2_E,
    BackwardInputs,
    Block,
    TileRing,
    fetch_when_free,
    filled,
    visible_keys,
)
from tanuki_jax.lm.kernels.attention.intervals import Bounds
from tanuki_jax.lm.kernels.warpgroups import COMPUTE_GROUPS, ROWS, swizzled


class Shared(NamedTuple):
    """Shared memory and barriers of a block."""

    q: Any
    d_out: Any
    k: Any
    v: Any
    block_ready: Any
    k_ready: Any
    v_ready: Any
    free: Any


def query_gradient(inputs: BackwardInputs, bounds: Bounds, ring: TileRing) -> jax.Array:
    """Return dq [B, T, H, D], in the type of q.

    `bounds` are those of `key_tiles` for BLOCK_ROWS queries, which divide T, and `ring.rows` keys, which divide S.
    """
    batch, time, heads, dim = inputs.q.shape
    block_tile = swizzled((BLOCK_ROWS, dim), inputs.q.dtype)
    ring_tiles = swizzled((ring.stages, ring.rows, dim), inputs.q.dtype)
    per_slot = functools.partial(plgpu.Barrier, num_barriers=ring.stages)
    shared = Shared(
        q=block_tile,
        d_out=block_tile,
        k=ring_tiles,
        v=ring_tiles,
        block_ready=plgpu.Barrier(num_arrivals=2),
        k_ready=per_slot(),
        v_ready=per_slot(),
        free=per_slot(num_arrivals=COMPUTE_GROUPS),
    )
    kernel = plgpu.kernel(
        functools.partial(_kernel, group=heads // inputs.k.shape[2], ring=ring),
        out_type=jax.ShapeDtypeStruct(inputs.q.shape, inputs.q.dtype),
        scratch_types=[shared],
        # Heads are neighbours, then tiles of one row: the keys that they share are still in the cache.
        grid=(batch, time // BLOCK_ROWS, heads),
        grid_names=("row", "tile", "head"),
        num_threads=COMPUTE_GROUPS,
        thread_name="warpgroup",
        kernel_name="attention_query_gradient",
        compiler_params=plgpu.CompilerParams(approx_math=True),
    )
    dq: jax.Array = kernel(*inputs, *bounds)
    return dq


def _kernel(*references: Any, group: int, ring: TileRing) -> None:
    *sources, out, shared = references
    inputs, bounds = BackwardInputs.of(sources)
    block = Block.current(bounds, late_first=True)
    warpgroup, dim = lax.axis_index("warpgroup"), shared.q.shape[1]
    steps = block.end - block.begin

    def fetch(step: jax.Array) -> None:
        slot = lax.rem(step, ring.stages)
        keys = pl.ds((block.begin + step) * ring.rows, ring.rows)
        for source, smem, ready in ((inputs.k, shared.k, shared.k_ready), (inputs.v, shared.v, shared.v_ready)):
            plgpu.copy_gmem_to_smem(
                source.at[block.row, keys, lax.div(block.head, group)], smem.at[slot], ready.at[slot]
            )

    @pl.when(warpgroup == 0)
    def _begin() -> None:
        for source, smem in ((inputs.q, shared.q), (inputs.d_out, shared.d_out)):
            plgpu.copy_gmem_to_smem(
                source.at[block.row, pl.ds(block.tile * BLOCK_ROWS, BLOCK_ROWS), block.head], smem, shared.block_ready
            )
        pl.loop(0, jnp.minimum(steps, ring.stages))(fetch)

    # Four numbers a query stay in registers: first and last visible key, log-sum-exp and delta.
    queries = pl.ds(block.tile * BLOCK_ROWS + warpgroup * ROWS, ROWS)
    pairs = (inputs.key_range.at[block.row], inputs.lse_and_delta.at[block.row, block.head])
    per_query = plgpu.Layout.WGMMA.reduce(1)
    query_values = tuple(
        plgpu.load(pair.at[number].at[queries], layout=per_query, optimized=False)
        for pair in pairs
        for number in (0, 1)
    )
    plgpu.barrier_wait(shared.block_ready)

    def fetch_later(step: jax.Array) -> None:
        fetch_when_free(step, steps, ring.stages, shared.free, fetch)

    acc = lax.fori_loop(
        0,
        steps,
        lambda step, acc: _step(step, acc, query_values, block, shared, ring, fetch_later),
        filled((ROWS, dim), 0.0, plgpu.Layout.WGMMA),
    )
    # The queries have been read, so their shared memory takes the result.
    result = shared.q.at[pl.ds(warpgroup * ROWS, ROWS)]
    result[...] = (acc * dim**-0.5).astype(out.dtype)
    plgpu.commit_smem()
    plgpu.copy_smem_to_gmem(result, out.at[block.row, queries, block.head])
    plgpu.wait_smem_to_gmem(0)


def _step(
    step: jax.Array,
    acc: jax.Array,
    query_values: tuple[jax.Array, ...],
    block: Block,
    shared: Shared,
    ring: TileRing,
    fetch_later: Callable[[jax.Array], None],
) -> jax.Array:
    """Add a tile of keys to the gradient of 64 queries, [64, D] without the scale."""
    shape, rows = (ROWS, ring.rows), pl.ds(lax.axis_index("warpgroup") * ROWS, ROWS)
    slot, key_tile = lax.rem(step, ring.stages), block.begin + step
    first, last, lse, delta = query_values

    def products(scores_ref: Any, d_weights_ref: Any) -> tuple[jax.Array, jax.Array]:
        plgpu.barrier_wait(shared.k_ready.at[slot])
        plgpu.wgmma(scores_ref, shared.q.at[rows], shared.k.at[slot].transpose((1, 0)))
        plgpu.barrier_wait(shared.v_ready.at[slot])
        plgpu.wgmma(d_weights_ref, shared.d_out.at[rows], shared.v.at[slot].transpose((1, 0)))
        return scores_ref[...], d_weights_ref[...]

    def masked(weights: jax.Array) -> jax.Array:
        return jnp.where(visible_keys(shape, first, last, key_tile * ring.rows, 1), weights, 0.0)

    scores, d_weights = pl.run_scoped(products, *[plgpu.ACC(shape, jnp.float32)] * 2)
    fetch_later(step + ring.stages // 2)
    # A query that sees no key has a log-sum-exp of minus infinity, and so infinite weights, which the mask removes: a
    # tile with such a query is never full.
    weights = jnp.exp2(scores * (acc.shape[1] ** -0.5 * LOG2_E) - lax.broadcast_in_dim(lse, shape, [0]))
    weights = lax.cond(block.full(key_tile), lambda weights: weights, masked, weights)
    d_scores = (weights * (d_weights - lax.broadcast_in_dim(delta, shape, [0]))).astype(shared.q.dtype)
    acc = pl.run_state(lambda ref: plgpu.wgmma(ref, d_scores, shared.k.at[slot]))(plgpu.ACC.init(acc))
    plgpu.barrier_arrive(shared.free.at[slot])
    return acc
