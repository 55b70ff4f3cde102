"""Attention on Hopper GPUs: our own Mosaic-GPU kernels, which visit in both passes only the tiles that documents and window need."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name

from tanuki_jax.base.errors import InputError
from tanuki_jax.lm.kernels.attention.hopper_block import LOG2_E, OWN
from tanuki_jax.lm.kernels.attention.hopper_dkdv import KeyTile, key_gradients
from tanuki_jax.lm.kernels.attention.hopper_dq import Given, QueryTile, query_gradient
from tanuki_jax.lm.kernels.attention.hopper_forward import ForwardTile, forward
from tanuki_jax.lm.kernels.attention.intervals import Intervals, intervals, key_tiles, query_tiles

HEAD_DIMS = (64, 128)
FORWARD, QUERIES, KEYS = ForwardTile(), QueryTile(), KeyTile()
MULTIPLE = 128
"""T and S are padded to a multiple of this, which every tile divides."""


def hopper(
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
    """Attention as in `attention`, for bfloat16, head dims 64 and 128, and rows as packing makes them (see `intervals`).

    Deterministic; scores and sums are float32, weights are rounded to bfloat16 before the second product. InputError for other types
    and head dims.
    """
    time, dim = q_bthd.shape[1], q_bthd.shape[3]
    if q_bthd.dtype != jnp.bfloat16 or dim not in HEAD_DIMS:
        raise InputError(
            f"attention backend hopper takes bfloat16 and head dims {HEAD_DIMS}, not {q_bthd.dtype} and {dim}"
        )
    visible = intervals(q_segment_ids, kv_segment_ids, q_positions, kv_positions, causal=causal, window=window)
    # Kept by every policy of `model.remat`, or each layer of the backward pass would search again.
    visible = Intervals(
        *(checkpoint_name(_padded(side, value), "intervals") for side, value in zip(visible, (0, -1), strict=True))
    )
    out, lse_bht = _attend(*(_padded(x, 0) for x in (q_bthd, k_bskd, v_bskd)), visible)
    return out[:, :time], jnp.moveaxis(lse_bht, 1, 2)[:, :time]


def _padded(x: jax.Array, value: int) -> jax.Array:
    missing = -x.shape[1] % MULTIPLE
    return jnp.pad(x, [(0, 0), (0, missing)] + [(0, 0)] * (x.ndim - 2), constant_values=value) if missing else x


@jax.custom_vjp
def _attend(q: jax.Array, k: jax.Array, v: jax.Array, visible: Intervals) -> tuple[jax.Array, jax.Array]:
    out, lse_bht = forward(q, k, v, jnp.stack(visible, axis=1), key_tiles(visible, OWN, FORWARD.keys), FORWARD)
    return out, lse_bht


def _attend_forward(q: jax.Array, k: jax.Array, v: jax.Array, visible: Intervals) -> tuple[Any, Any]:
    out, lse_bht = (checkpoint_name(part, "attention") for part in _attend(q, k, v, visible))
    return (out, lse_bht), (q, k, v, visible, out, lse_bht)


def _attend_backward(kept: Any, cotangents: Any) -> tuple[jax.Array, jax.Array, jax.Array, None]:
    q, k, v, visible, out, lse_bht = kept
    g, lse_cotangent = cotangents
    delta = jnp.moveaxis(jnp.sum(out.astype(jnp.float32) * g.astype(jnp.float32), axis=3), 1, 2) - lse_cotangent
    # Queries that see nothing have no gradient, whatever a caller makes of their log-sum-exp.
    sums = jnp.stack([lse_bht * LOG2_E, jnp.where(jnp.isneginf(lse_bht), 0.0, delta)], axis=2)
    given = Given(q, k, v, g, sums, jnp.stack(visible, axis=1))
    dq = query_gradient(given, key_tiles(visible, OWN, QUERIES.keys), QUERIES)
    dk, dv = key_gradients(given, query_tiles(visible, KEYS.queries, OWN, k.shape[1]), KEYS)
    return dq, dk, dv, None


_attend.defvjp(_attend_forward, _attend_backward)
