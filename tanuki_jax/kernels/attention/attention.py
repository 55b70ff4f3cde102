"""Attention over rows that hold many documents: one signature, several backends."""

from typing import Literal

import jax

from tanuki_jax.kernels.attention.chunked import chunked
from tanuki_jax.kernels.attention.reference import reference

Backend = Literal["auto", "reference", "chunked"]
BACKENDS = {"auto": chunked, "reference": reference, "chunked": chunked}


def attention(
    q_bthd: jax.Array,
    k_bskd: jax.Array,
    v_bskd: jax.Array,
    q_segment_ids: jax.Array,
    kv_segment_ids: jax.Array,
    q_positions: jax.Array,
    kv_positions: jax.Array,
    *,
    causal: bool = True,
    window: int | None = None,
    backend: Backend = "auto",
) -> tuple[jax.Array, jax.Array]:
    """Scaled dot-product attention that never leaves a segment.

    Args:
        q_bthd: queries [B, T, H, D].
        k_bskd: keys [B, S, K, D]; K divides H, and query heads h share the key head h // (H / K).
        v_bskd: values [B, S, K, D].
        q_segment_ids: int32[B, T], the document of each query; 0 is padding, which attends to nothing.
        kv_segment_ids: int32[B, S], the document of each key.
        q_positions: int32[B, T], compared with `kv_positions` for causality, so that callers may hold any part of a row.
        kv_positions: int32[B, S].
        causal: whether keys at later positions are hidden.
        window: keys at this distance or further are hidden; None: none are.
        backend: `reference`, `chunked`, or `auto` for the fastest that serves this device.

    Returns:
        The output [B, T, H, D] in the type of q (0 where nothing is visible) and the log-sum-exp of the scores, float32[B, T, H]
        (-inf there).
    """
    return BACKENDS[backend](q_bthd, k_bskd, v_bskd, q_segment_ids, kv_segment_ids, q_positions, kv_positions, causal=causal, window=window)
