"""Attention over rows that hold several documents: one signature, several backends."""

import functools
import importlib
import logging
from collections.abc import Callable
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name

from tanuki_jax.base.errors import InputError
from tanuki_jax.lm.kernels.attention.operands import BackendFunction, Operands

Backend = Literal["auto", "reference", "chunked", "cudnn", "hopper", "tpu"]

QUADRATIC_TIME = 2048
"""Longest row for which `auto` takes a plain backend on an accelerator."""


class Case(NamedTuple):
    """Device, type and shape for which `auto` chooses a backend."""

    platform: str
    capability: str
    """Compute capability of a GPU, such as 9.0; empty elsewhere."""
    dtype: str
    time: int
    """Number of keys."""
    head_dim: int

    def __str__(self) -> str:
        device = f"{self.platform} {self.capability}".rstrip()
        return f"{self.dtype}, head dim {self.head_dim}, {self.time} keys on {device}"

    @property
    def on_hopper(self) -> bool:
        return self.platform == "gpu" and self.capability.startswith("9.")


def _prefer_hopper(case: Case) -> str | None:
    if case.on_hopper and case.dtype == "bfloat16" and case.head_dim in (64, 128):
        return "our kernel skips what other documents hold in both passes"
    return None


def _prefer_cudnn(case: Case) -> str | None:
    if case.on_hopper and case.dtype in ("bfloat16", "float16") and case.head_dim % 8 == 0 and case.head_dim <= 128:
        return "not bfloat16 with head dim 64 or 128, which our kernel takes"
    return None


def _prefer_tpu(case: Case) -> str | None:
    on_tpu = case.platform == "tpu" and case.head_dim % 128 == 0 and case.time % 128 == 0
    return "splash attention" if on_tpu else None


def _prefer_chunked(case: Case) -> str | None:
    if case.platform == "cpu":
        return "memory linear in their number"
    return "no kernel takes that, and the row is short" if case.time <= QUADRATIC_TIME else None


class BackendRow(NamedTuple):
    """A backend: a file of this package with a function that is called like the backend."""

    file: str
    """Name of the module. It is imported when it is used: Pallas takes longer to import than the rest of this
    package."""
    platform: str | None
    """Platform of the devices that it runs on; None: plain JAX, which takes any rows on any device.

    A kernel takes rows as packing makes them (see `intervals`).
    """
    preferred: Callable[[Case], str | None]
    """Why `auto` takes this backend rather than those below it, in half a sentence for the log; None: it does not."""


BACKENDS: dict[Backend, BackendRow] = {
    "hopper": BackendRow("hopper_attention", "gpu", _prefer_hopper),
    "cudnn": BackendRow("cudnn", "gpu", _prefer_cudnn),
    "tpu": BackendRow("tpu", "tpu", _prefer_tpu),
    "reference": BackendRow("reference_attention", None, lambda case: None),
    "chunked": BackendRow("chunked", None, _prefer_chunked),
}
"""All backends but `auto`, which takes the first preferred one. Adding one takes a file, a row and a name in
`Backend`."""

PLAIN: tuple[Backend, ...] = tuple(name for name, row in BACKENDS.items() if row.platform is None)
"""Backends in plain JAX."""
PLATFORMS: dict[Backend, str] = {name: row.platform for name, row in BACKENDS.items() if row.platform is not None}
"""Platform of each other backend."""


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
    """Compute scaled dot-product attention inside each document.

    What the backward pass needs of the result is named "attention" for the policies of `jax.checkpoint`.

    Args:
        q_bthd: queries; this and the next six arrays are the fields of `Operands`.
        k_bskd: keys.
        v_bskd: values.
        q_segment_ids: document of each query; 0 is padding.
        kv_segment_ids: document of each key.
        q_positions: position of each query.
        kv_positions: position of each key.
        causal: hide keys at later positions.
        window: hide keys at this distance or further, at least 1; None: hide none for their distance.
        backend: a name in `BACKENDS`; `auto`: the one that `choose` returns for the first device.

    Returns:
        The output [B, T, H, D] in the type of q (0 where nothing is visible) and the log-sum-exp of the scores,
        float32[B, T, H] (-inf there).

    Raises:
        InputError: the backend cannot serve this device, type, shape, window or rows, or `auto` finds none.
    """
    if backend == "auto":
        backend = choose(jax.devices()[0], q_bthd.dtype, k_bskd.shape[1], q_bthd.shape[3])
    row = BACKENDS[backend]
    function: BackendFunction = getattr(importlib.import_module(f"{__package__}.{row.file}"), backend)
    operands = Operands(q_bthd, k_bskd, v_bskd, q_segment_ids, kv_segment_ids, q_positions, kv_positions)
    out, lse = function(operands, causal=causal, window=window)
    if row.platform is None:  # kernels name what their own backward passes need
        out = checkpoint_name(out, "attention")
    return out, lse


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
    """Compute causal attention of rows to themselves, as the model calls it, and return only the output."""
    return attention(q, k, v, segment_ids, segment_ids, positions, positions, window=window, backend=backend)[0]


def choose(device: jax.Device, dtype: jnp.dtype, time: int, head_dim: int) -> Backend:
    """Return the fastest backend for keys of this type, number and head dim on a device, and log once which and why.

    InputError where only one of quadratic time would be left for more than QUADRATIC_TIME keys on an accelerator.
    """
    capability = str(getattr(device, "compute_capability", ""))
    return _choose(Case(device.platform, capability, jnp.dtype(dtype).name, time, head_dim))


@functools.cache
def _choose(case: Case) -> Backend:
    for name, row in BACKENDS.items():
        if reason := row.preferred(case):
            logging.getLogger(__name__).info("attention backend %s: %s; %s", name, case, reason)
            return name
    raise InputError(
        f"no attention kernel takes {case}; use bfloat16 and a head dim of 64 or 128, "
        "or accept a slow one with layout.attention=chunked"
    )
