"""Gradients of keys and values on Hopper: each key tile over the query tiles of all heads that need it.

A block has 128 keys and values of one head, each of its two warpgroups 64. Tiles of queries and of the gradient of the
output pass through the ring of `hopper_block`, one query head after the other. Scores are transposed, [keys, queries]:
with P and dS as in `hopper_dq`, dV is the sum of P^T dO and dK that of dS^T Q.

Together with `hopper_dq` that makes seven products. One kernel with atomic additions would need five, but its sums
would vary in order, and so in their last bits.
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

    k: Any
    v: Any
    q: Any
    d_out: Any
    lse_and_delta: Any
    key_range: Any
    block_ready: Any
    q_ready: Any
    """Barrier for three copies into a slot: the queries, their log-sum-exp and delta, and the keys that they see."""
    d_out_ready: Any
    free: Any


def key_gradients(inputs: BackwardInputs, bounds: Bounds, ring: TileRing) -> tuple[jax.Array, jax.Array]:
    """Return dk and dv, each [B, S, K, D] in the type of k.

    `bounds` are those of `query_tiles` for `ring.rows` queries, which divide T, and BLOCK_ROWS keys, which divide S.
    """
    batch, keys, kv_heads, dim = inputs.k.shape
    gradient = jax.ShapeDtypeStruct(inputs.k.shape, inputs.k.dtype)
    block_tile = swizzled((BLOCK_ROWS, dim), inputs.k.dtype)
    ring_tiles = swizzled((ring.stages, ring.rows, dim), inputs.k.dtype)
    query_pairs = functools.partial(plgpu.SMEM, (ring.stages, 2, ring.rows))
    per_slot = functools.partial(plgpu.Barrier, num_barriers=ring.stages)
    shared = Shared(
        k=block_tile,
        v=block_tile,
        q=ring_tiles,
        d_out=ring_tiles,
        lse_and_delta=query_pairs(jnp.float32),
        key_range=query_pairs(jnp.int32),
        block_ready=plgpu.Barrier(num_arrivals=2),
        q_ready=per_slot(num_arrivals=3),
        d_out_ready=per_slot(),
        free=per_slot(num_arrivals=COMPUTE_GROUPS),
    )
    kernel = plgpu.kernel(
        functools.partial(_kernel, group=inputs.q.shape[2] // kv_heads, ring=ring),
        out_type=(gradient, gradient),
        scratch_types=[shared],
        grid=(batch, keys // BLOCK_ROWS, kv_heads),
        grid_names=("row", "tile", "head"),
        num_threads=COMPUTE_GROUPS,
        thread_name="warpgroup",
        kernel_name="attention_key_gradients",
        compiler_params=plgpu.CompilerParams(approx_math=True),
    )
    gradients: tuple[jax.Array, jax.Array] = kernel(*inputs, *bounds)
    return gradients


def _kernel(*references: Any, group: int, ring: TileRing) -> None:
    *sources, dk_out, dv_out, shared = references
    inputs, bounds = BackwardInputs.of(sources)
    block = Block.current(bounds, late_first=False)
    warpgroup, dim = lax.axis_index("warpgroup"), shared.k.shape[1]
    steps = (block.end - block.begin) * group
    fetch = functools.partial(_fetch, inputs=inputs, block=block, shared=shared, group=group, ring=ring)

    @pl.when(warpgroup == 0)
    def _begin() -> None:
        for source, smem in ((inputs.k, shared.k), (inputs.v, shared.v)):
            plgpu.copy_gmem_to_smem(
                source.at[block.row, pl.ds(block.tile * BLOCK_ROWS, BLOCK_ROWS), block.head], smem, shared.block_ready
            )
        pl.loop(0, jnp.minimum(steps, ring.stages))(fetch)

    plgpu.barrier_wait(shared.block_ready)

    def fetch_later(step: jax.Array) -> None:
        fetch_when_free(step, steps, ring.stages, shared.free, fetch)

    zero = filled((ROWS, dim), 0.0, plgpu.Layout.WGMMA)
    dk_acc, dv_acc = lax.fori_loop(
        0, steps, lambda step, carry: _step(step, carry, block, shared, ring, fetch_later), (zero, zero)
    )
    # Keys and values have been read, so their shared memory takes the results.
    rows = pl.ds(warpgroup * ROWS, ROWS)
    dk, dv = shared.k.at[rows], shared.v.at[rows]
    dk[...] = (dk_acc * dim**-0.5).astype(dk_out.dtype)
    dv[...] = dv_acc.astype(dv_out.dtype)
    plgpu.commit_smem()
    keys = pl.ds(block.tile * BLOCK_ROWS + warpgroup * ROWS, ROWS)
    plgpu.copy_smem_to_gmem(dk, dk_out.at[block.row, keys, block.head])
    plgpu.copy_smem_to_gmem(dv, dv_out.at[block.row, keys, block.head])
    plgpu.wait_smem_to_gmem(0)


def _fetch(
    step: jax.Array, *, inputs: BackwardInputs, block: Block, shared: Shared, group: int, ring: TileRing
) -> None:
    """Start the copies of a step: a tile of queries of one head, with all that belongs to them."""
    slot, tiles = lax.rem(step, ring.stages), block.end - block.begin
    head = block.head * group + lax.div(step, tiles)
    queries = pl.ds((block.begin + lax.rem(step, tiles)) * ring.rows, ring.rows)
    for source, smem, ready in (
        (inputs.q.at[block.row, queries, head], shared.q, shared.q_ready),
        (inputs.lse_and_delta.at[block.row, head, :, queries], shared.lse_and_delta, shared.q_ready),
        (inputs.key_range.at[block.row, :, queries], shared.key_range, shared.q_ready),
        (inputs.d_out.at[block.row, queries, head], shared.d_out, shared.d_out_ready),
    ):
        plgpu.copy_gmem_to_smem(source, smem.at[slot], ready.at[slot])


def _step(
    step: jax.Array,
    carry: tuple[jax.Array, jax.Array],
    block: Block,
    shared: Shared,
    ring: TileRing,
    fetch_later: Callable[[jax.Array], None],
) -> tuple[jax.Array, jax.Array]:
    """Add a tile of queries to the gradients of 64 keys and values, each [64, D]; that of the keys lacks the scale."""
    dk_acc, dv_acc = carry
    warpgroup, dtype = lax.axis_index("warpgroup"), shared.k.dtype
    shape, rows = (ROWS, ring.rows), pl.ds(warpgroup * ROWS, ROWS)
    slot, query_tile = lax.rem(step, ring.stages), block.begin + lax.rem(step, block.end - block.begin)
    per_query = plgpu.Layout.WGMMA.reduce(0)

    def products(scores_ref: Any, d_weights_ref: Any) -> tuple[jax.Array, jax.Array]:
        plgpu.barrier_wait(shared.q_ready.at[slot])
        plgpu.wgmma(scores_ref, shared.k.at[rows], shared.q.at[slot].transpose((1, 0)))
        plgpu.barrier_wait(shared.d_out_ready.at[slot])
        plgpu.wgmma(d_weights_ref, shared.v.at[rows], shared.d_out.at[slot].transpose((1, 0)))
        return scores_ref[...], d_weights_ref[...]

    def masked(weights: jax.Array) -> jax.Array:
        first, last = (plgpu.load(shared.key_range.at[slot, side], layout=per_query) for side in (0, 1))
        first_key = block.tile * BLOCK_ROWS + warpgroup * ROWS
        return jnp.where(visible_keys(shape, first, last, first_key, 0), weights, 0.0)

    def accumulate(refs: tuple[Any, Any]) -> None:
        plgpu.wgmma(refs[0], d_scores, shared.q.at[slot])
        plgpu.wgmma(refs[1], weights_16, shared.d_out.at[slot])

    scores, d_weights = pl.run_scoped(products, *[plgpu.ACC(shape, jnp.float32)] * 2)
    fetch_later(step + ring.stages // 2)
    lse = plgpu.load(shared.lse_and_delta.at[slot, 0], layout=per_query)
    weights = jnp.exp2(scores * (dk_acc.shape[1] ** -0.5 * LOG2_E) - lax.broadcast_in_dim(lse, shape, [1]))
    weights = lax.cond(block.full(query_tile), lambda weights: weights, masked, weights)
    # Loaded only now: beside the values of the mask there would not be enough registers.
    delta = plgpu.load(shared.lse_and_delta.at[slot, 1], layout=per_query)
    d_scores = (weights * (d_weights - lax.broadcast_in_dim(delta, shape, [1]))).astype(dtype)
    weights_16 = weights.astype(dtype)
    dk_acc, dv_acc = pl.run_state(accumulate)((plgpu.ACC.init(dk_acc), plgpu.ACC.init(dv_acc)))
    # The loads above and the copies that will overwrite the slot reach shared memory on different paths (proxies),
    # which a barrier alone does not order. Products and copies share one.
    plgpu.commit_smem()  # orders loads before copies
    plgpu.barrier_arrive(shared.free.at[slot])
    return dk_acc, dv_acc
