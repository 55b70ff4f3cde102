"""Attention in plain JAX whose memory is linear in T: blocks of queries, computed again in the backward pass."""

import functools

import jax
import jax.numpy as jnp

from tanuki_jax.lm.kernels.attention.operands import Operands
from tanuki_jax.lm.kernels.attention.reference_attention import reference

QUERIES = 512


def chunked(
    operands: Operands, *, causal: bool, window: int | None, queries: int = QUERIES
) -> tuple[jax.Array, jax.Array]:
    """Compute `reference` with at most `queries` x S scores a head in memory (Rabe and Staats 2021)."""
    time = operands.q_bthd.shape[1]
    blocks = -(-time // queries)

    @functools.partial(jax.checkpoint, prevent_cse=False)
    def attend(block: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        q, segment_ids, positions = block
        block_operands = operands._replace(q_bthd=q, q_segment_ids=segment_ids, q_positions=positions)
        return reference(block_operands, causal=causal, window=window)

    query_side = operands.q_bthd, operands.q_segment_ids, operands.q_positions
    if blocks == 1:
        return attend(query_side)

    def split(x: jax.Array) -> jax.Array:
        padded = jnp.pad(x, [(0, 0), (0, blocks * queries - time)] + [(0, 0)] * (x.ndim - 2))
        return jnp.moveaxis(padded.reshape(x.shape[0], blocks, queries, *x.shape[2:]), 1, 0)

    def join(x: jax.Array) -> jax.Array:
        return jnp.moveaxis(x, 0, 1).reshape(x.shape[1], blocks * queries, *x.shape[3:])[:, :time]

    q, segment_ids, positions = query_side
    out, lse = jax.lax.map(attend, (split(q), split(segment_ids), split(positions)))
    return join(out), join(lse)
