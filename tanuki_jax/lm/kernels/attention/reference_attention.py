"""Attention as the textbook has it: float32, quadratic in memory. The oracle of every other backend."""

import jax
import jax.numpy as jnp


def visible(
    q_segment_ids: jax.Array,
    kv_segment_ids: jax.Array,
    q_positions: jax.Array,
    kv_positions: jax.Array,
    *,
    causal: bool,
    window: int | None,
) -> jax.Array:
    """Which keys each query may attend to, bool[B, T, S]: of its own segment, not ahead of it, at less than `window` from it."""
    distance = q_positions[:, :, None] - kv_positions[:, None, :]
    seen = (q_segment_ids[:, :, None] == kv_segment_ids[:, None, :]) & (q_segment_ids[:, :, None] > 0)
    if causal:
        seen &= distance >= 0
    if window is not None:
        seen &= jnp.abs(distance) < window
    return seen


def reference(
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
    """Softmax attention (Vaswani et al. 2017, eq. 1) with grouped heads; shapes as in `attention`."""
    batch, time, heads, dim = q_bthd.shape
    kv_heads = k_bskd.shape[2]
    q_btkgd = q_bthd.astype(jnp.float32).reshape(batch, time, kv_heads, heads // kv_heads, dim)
    scores = (
        jnp.einsum("btkgd,bskd->bkgts", q_btkgd, k_bskd.astype(jnp.float32), preferred_element_type=jnp.float32)
        * dim**-0.5
    )
    seen = visible(q_segment_ids, kv_segment_ids, q_positions, kv_positions, causal=causal, window=window)[
        :, None, None
    ]
    scores = jnp.where(seen, scores, -jnp.inf)
    top = jax.lax.stop_gradient(jnp.max(scores, axis=-1, keepdims=True))
    weights = jnp.where(seen, jnp.exp(scores - jnp.where(jnp.isfinite(top), top, 0.0)), 0.0)
    total = jnp.sum(weights, axis=-1, keepdims=True)
    attended = total > 0
    weights = weights / jnp.where(attended, total, 1.0)
    out = jnp.einsum("bkgts,bskd->btkgd", weights, v_bskd.astype(jnp.float32), preferred_element_type=jnp.float32)
    lse = jnp.where(attended, jnp.log(jnp.where(attended, total, 1.0)) + jnp.where(attended, top, 0.0), -jnp.inf)
    lse_bth = jnp.moveaxis(lse[..., 0], -1, 1).reshape(batch, time, heads)
    return out.reshape(q_bthd.shape).astype(q_bthd.dtype), lse_bth
