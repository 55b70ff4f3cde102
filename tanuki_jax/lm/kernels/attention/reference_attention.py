"""Attention as the textbook has it: float32, quadratic in memory. The oracle of every other backend."""

import jax
import jax.numpy as jnp

from tanuki_jax.lm.kernels.attention.operands import Operands


def visible(
    q_segment_ids: jax.Array,
    kv_segment_ids: jax.Array,
    q_positions: jax.Array,
    kv_positions: jax.Array,
    *,
    causal: bool,
    window: int | None,
) -> jax.Array:
    """Return the mask bool[B, T, S] of keys in the query's segment, not ahead of it, and nearer than `window`."""
    distance = q_positions[:, :, None] - kv_positions[:, None, :]
    mask = (q_segment_ids[:, :, None] == kv_segment_ids[:, None, :]) & (q_segment_ids[:, :, None] > 0)
    if causal:
        mask &= distance >= 0
    if window is not None:
        mask &= jnp.abs(distance) < window
    return mask


def reference(operands: Operands, *, causal: bool, window: int | None) -> tuple[jax.Array, jax.Array]:
    """Compute softmax attention (Vaswani et al. 2017, eq. 1) with grouped heads."""
    q_bthd, k_bskd, v_bskd = operands[:3]
    batch, time, heads, dim = q_bthd.shape
    kv_heads = k_bskd.shape[2]
    q_btkgd = q_bthd.astype(jnp.float32).reshape(batch, time, kv_heads, heads // kv_heads, dim)
    scores = (
        jnp.einsum("btkgd,bskd->bkgts", q_btkgd, k_bskd.astype(jnp.float32), preferred_element_type=jnp.float32)
        * dim**-0.5
    )
    mask = visible(*operands.tokens, causal=causal, window=window)[:, None, None]
    scores = jnp.where(mask, scores, -jnp.inf)
    # The maximum only keeps the exponentials finite: it cancels in the result, and so does its gradient.
    largest = jax.lax.stop_gradient(jnp.max(scores, axis=-1, keepdims=True))
    weights = jnp.where(mask, jnp.exp(scores - jnp.where(jnp.isfinite(largest), largest, 0.0)), 0.0)
    total = jnp.sum(weights, axis=-1, keepdims=True)
    sees_keys = total > 0
    weights = weights / jnp.where(sees_keys, total, 1.0)
    out = jnp.einsum("bkgts,bskd->btkgd", weights, v_bskd.astype(jnp.float32), preferred_element_type=jnp.float32)
    lse = jnp.where(sees_keys, jnp.log(jnp.where(sees_keys, total, 1.0)) + jnp.where(sees_keys, largest, 0.0), -jnp.inf)
    lse_bth = jnp.moveaxis(lse[..., 0], -1, 1).reshape(batch, time, heads)
    return out.reshape(q_bthd.shape).astype(q_bthd.dtype), lse_bth
