"""Devices that this process computes on."""

import os

import jax

from tanuki_jax.base.errors import InputError

MEMORY_SHARE = 0.92
"""Share of a GPU's memory that jax reserves; `plan` leaves at least the rest free, for NCCL, cuBLAS and cuDNN."""
_VARIABLES = ("XLA_CLIENT_MEM_FRACTION", "XLA_PYTHON_CLIENT_MEM_FRACTION")
"""Environment variables that set this share; the second is an older name of the first."""


def reserve_memory() -> None:
    """Let jax reserve MEMORY_SHARE of a GPU, not its default .75, unless the environment sets a share. To be called
    before a device is used; what `plan` finds to fit would not fit otherwise."""
    if not any(map(os.environ.get, _VARIABLES)):
        os.environ[_VARIABLES[0]] = str(MEMORY_SHARE)


def memory_warning() -> str:
    """Return a sentence if the environment reserves less of each GPU than `plan` reckons with; empty: it does not."""
    name, share = next(((name, os.environ[name]) for name in _VARIABLES if os.environ.get(name)), ("", ""))
    if jax.default_backend() != "gpu" or not share or float(share) >= MEMORY_SHARE:
        return ""
    return (
        f"{name}={share} reserves less of each GPU than the {MEMORY_SHARE:g} that `plan` reckons with: what it finds "
        "to fit may run out of memory; unset it, or leave more room"
    )


def devices() -> list[jax.Device]:
    """Return all devices, those of other processes of the job included.

    InputError if JAX_PLATFORMS names a platform that is not here: jax itself says so with an AssertionError.
    """
    reserve_memory()
    try:
        return jax.devices()
    except (AssertionError, RuntimeError) as error:
        platforms = os.environ.get("JAX_PLATFORMS", "")
        reason = next(iter(str(error).split("\n")), "") or "jax has no plugin for it, or sees no such device"
        raise InputError(
            f"there are no devices of JAX_PLATFORMS={platforms}: {reason}; unset it to use what is here, or install "
            "jax for the platform"
        ) from error
