"""Attention on Hopper GPUs: our own Mosaic-GPU kernels, which visit only the tiles that documents and window need."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name

from tanuki_jax.base.errors import InputError
from tanuki_jax.lm.kernels.attention.hopper_block import BLOCK_ROWS, LOG2_E, BackwardInputs, TileRing
from tanuki_jax.lm.kernels.attention.hopper_dkdv import key_gradients
from tanuki_jax.lm.kernels.attention.hopper_dq import query_gradient
from tanuki_jax.lm.kernels.attention.hopper_forward import forward
from tanuki_jax.lm.kernels.attention.intervals import Intervals, intervals, key_tiles, query_tiles
from tanuki_jax.lm.kernels.attention.operands import Operands

HEAD_DIMS = (64, 128)
MULTIPLE = 128
"""T and S are padded to a multiple of this, which every tile divides."""


class Tiles(NamedTuple):
    """Ring of each kernel."""

    forward: TileRing = TileRing(rows=128, stages=2)
    dq: TileRing = TileRing(rows=128, stages=2)
    dkdv: TileRing = TileRing(rows=64, stages=4)


TILES = Tiles()


def hopper(
    operands: Operands, *, causal: bool, window: int | None, tiles: Tiles = TILES
) -> tuple[jax.Array, jax.Array]:
    """Compute `reference` for bfloat16, head dims 64 and 128, and rows as packing makes them (see `intervals`).

    Deterministic; scores and sums are float32, weights are rounded to bfloat16 before the second product. InputError
    for other types and head dims.
    """
    q_bthd, k_bskd, v_bskd = operands[:3]
    time, dim = q_bthd.shape[1], q_bthd.shape[3]
    if q_bthd.dtype != jnp.bfloat16 or dim not in HEAD_DIMS:
        raise InputError(
            f"the hopper attention backend computes in bfloat16 with head dims {HEAD_DIMS}, not {q_bthd.dtype} "
            f"and {dim}; set layout.attention to auto or chunked"
        )
    visible = intervals(*operands.tokens, causal=causal, window=window)
    # Saved under every policy of `model.remat`, or each layer of the backward pass would search again.
    visible = Intervals(
        *(checkpoint_name(_padded(side, value), "intervals") for side, value in zip(visible, (0, -1), strict=True))
    )
    out, lse_bht = _attend(*(_padded(x, 0) for x in (q_bthd, k_bskd, v_bskd)), visible, tiles)
    return out[:, :time], jnp.moveaxis(lse_bht, 1, 2)[:, :time]


def _padded(x: jax.Array, value: int) -> jax.Array:
    missing = -x.shape[1] % MULTIPLE
    return jnp.pad(x, [(0, 0), (0, missing)] + [(0, 0)] * (x.ndim - 2), constant_values=value) if missing else x


@functools.partial(jax.custom_vjp, nondiff_argnums=(4,))
def _attend(q: jax.Array, k: jax.Array, v: jax.Array, visible: Intervals, tiles: Tiles) -> tuple[jax.Array, jax.Array]:
    key_range = jnp.stack(visible, axis=1)
    out, lse_bht = forward(q, k, v, key_range, key_tiles(visible, BLOCK_ROWS, tiles.forward.rows), tiles.forward)
    return out, lse_bht


def _attend_forward(q: jax.Array, k: jax.Array, v: jax.Array, visible: Intervals, tiles: Tiles) -> tuple[Any, Any]:
    out, lse_bht = (checkpoint_name(part, "attention") for part in _attend(q, k, v, visible, tiles))
    return (out, lse_bht), (q, k, v, visible, out, lse_bht)


def _attend_backward(tiles: Tiles, saved: Any, cotangents: Any) -> tuple[jax.Array, jax.Array, jax.Array, None]:
    q, k, v, visible, out, lse_bht = saved
    d_out, d_lse = cotangents
    delta = jnp.moveaxis(jnp.sum(out.astype(jnp.float32) * d_out.astype(jnp.float32), axis=3), 1, 2) - d_lse
    # Queries that see nothing have no gradient, whatever the gradient of their log-sum-exp is.
    lse_and_delta = jnp.stack([lse_bht * LOG2_E, jnp.where(jnp.isneginf(lse_bht), 0.0, delta)], axis=2)
    inputs = BackwardInputs(q, k, v, d_out, lse_and_delta, jnp.stack(visible, axis=1))
    dq = query_gradient(inputs, key_tiles(visible, BLOCK_ROWS, tiles.dq.rows), tiles.dq)
    dk, dv = key_gradients(inputs, query_tiles(visible, tiles.dkdv.rows, BLOCK_ROWS, k.shape[1]), tiles.dkdv)
    return dq, dk, dv, None


_attend.defvjp(_attend_forward, _attend_backward)
