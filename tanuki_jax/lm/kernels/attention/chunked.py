"""Attention in plain JAX whose memory is linear in T: a block of queries at a time, computed again in the backward pass."""

import functools

import jax
import jax.numpy as jnp

from tanuki_jax.lm.kernels.attention.reference_attention import reference

QUERIES = 512


def chunked(
    q_bthd: jax.Array,
    k_bskd: jax.Array,
    v_bskd: jax.Array,
    q_segment_ids: jax.Array,
    kv_segment_ids: jax.Array,
    q_positions: jax.Array,
    kv_positions: jax.Array,
    *,
    causal: bool,
    window: int | None,
) -> tuple[jax.Array, jax.Array]:
    """The result of `reference`, never holding more than QUERIES x S scores a head (Rabe and Staats 2021)."""
    time = q_bthd.shape[1]
    blocks = -(-time // QUERIES)

    @functools.partial(jax.checkpoint, prevent_cse=False)
    def attend(q: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        queries, segment_ids, positions = q
        return reference(
            queries, k_bskd, v_bskd, segment_ids, kv_segment_ids, positions, kv_positions, causal=causal, window=window
        )

    if blocks == 1:
        return attend((q_bthd, q_segment_ids, q_positions))

    def split(x: jax.Array) -> jax.Array:
        padded = jnp.pad(x, [(0, 0), (0, blocks * QUERIES - time)] + [(0, 0)] * (x.ndim - 2))
        return jnp.moveaxis(padded.reshape(x.shape[0], blocks, QUERIES, *x.shape[2:]), 1, 0)

    def join(x: jax.Array) -> jax.Array:
        return jnp.moveaxis(x, 0, 1).reshape(x.shape[1], blocks * QUERIES, *x.shape[3:])[:, :time]

    out, lse = jax.lax.map(attend, (split(q_bthd), split(q_segment_ids), split(q_positions)))
    return join(out), join(lse)
