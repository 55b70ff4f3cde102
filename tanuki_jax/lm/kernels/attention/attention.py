"""Attention over rows that hold many documents: one signature, several backends."""

import functools
import importlib
import logging
from typing import Literal

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name

from tanuki_jax.base.errors import InputError

Backend = Literal["auto", "reference", "chunked", "cudnn", "hopper", "tpu"]

PLAIN: tuple[Backend, ...] = ("reference", "chunked")
"""Backends in plain JAX, which know any rows on any device; the others ask for rows as packing makes them (see `intervals`)."""
PLATFORMS: dict[Backend, str] = {"cudnn": "gpu", "hopper": "gpu", "tpu": "tpu"}
"""Where the others run."""
_MODULES: dict[str, str] = {"reference": "reference_attention", "hopper": "hopper_attention"}
"""Files of backends that are not called like the backend."""
QUADRATIC_TIME = 2048
"""Longest row for which `auto` takes a plain backend on an accelerator."""


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

    What the backward pass needs of the result is named "attention" for the policies of `jax.checkpoint`.

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
        backend: `auto` is what `choose` says of the first device.

    Returns:
        The output [B, T, H, D] in the type of q (0 where nothing is visible) and the log-sum-exp of the scores, float32[B, T, H]
        (-inf there).

    Raises:
        InputError: the backend cannot serve this device, type, shape or rows, or there is none for `auto` to choose.
    """
    if backend == "auto":
        backend = choose(jax.devices()[0], q_bthd.dtype, k_bskd.shape[1], q_bthd.shape[3])
    # Each is imported when it is used: Pallas takes longer to import than all else here.
    function = getattr(importlib.import_module(f"{__package__}.{_MODULES.get(backend, backend)}"), backend)
    out, lse = function(
        q_bthd, k_bskd, v_bskd, q_segment_ids, kv_segment_ids, q_positions, kv_positions, causal=causal, window=window
    )
    if backend in PLAIN:
        return checkpoint_name(out, "attention"), lse
    return out, lse


def choose(device: jax.Device, dtype: jnp.dtype, time: int, head_dim: int) -> Backend:
    """The fastest backend for keys of this type, number and head dim on a device; the log says which and why, once.

    InputError where only one of quadratic time would be left for more than QUADRATIC_TIME keys on an accelerator.
    """
    capability = str(getattr(device, "compute_capability", ""))
    return _choose(device.platform, capability, jnp.dtype(dtype).name, time, head_dim)


@functools.cache
def _choose(platform: str, capability: str, dtype: str, time: int, head_dim: int) -> Backend:
    backend, why = _preferred(platform, capability, dtype, time, head_dim)
    logging.getLogger(__name__).info("attention backend %s: %s", backend, why)
    return backend


def _preferred(platform: str, capability: str, dtype: str, time: int, head_dim: int) -> tuple[Backend, str]:
    what = f"{dtype}, head dim {head_dim}, {time} keys on {platform} {capability}".rstrip()
    if platform == "cpu":
        return "chunked", f"{what}; memory linear in their number"
    if platform == "gpu" and capability.startswith("9.") and dtype == "bfloat16" and head_dim in (64, 128):
        return "hopper", f"{what}; our kernel skips what other documents hold in both passes"
    if (
        platform == "gpu"
        and capability.startswith("9.")
        and dtype in ("bfloat16", "float16")
        and head_dim % 8 == 0
        and head_dim <= 128
    ):
        return "cudnn", f"{what}; not bfloat16 with head dim 64 or 128, which our kernel takes"
    if platform == "tpu" and head_dim % 128 == 0 and time % 128 == 0:
        return "tpu", f"{what}; splash attention"
    if time <= QUADRATIC_TIME:
        return "chunked", f"{what}; no kernel takes that, and the row is short"
    raise InputError(
        f"no attention kernel takes {what}; use bfloat16 and a head dim of 64 or 128, or accept a slow one with layout.attention=chunked"
    )


def self_attention(
    q: jax.Array,
    k: jax.Array,
    v: jax.Array,
    segment_ids: jax.Array,
    positions: jax.Array,
    window: int | None = None,
    *,
    backend: Backend = "auto",
) -> jax.Array:
    """Compute causal attention of rows to themselves, as the model calls it, and return the output alone."""
    ids = segment_ids, segment_ids, positions, positions
    return attention(q, k, v, *ids, window=window, backend=backend)[0]
