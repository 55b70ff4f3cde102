"""Devices that this process computes on."""

import os

import jax

from tanuki_jax.base.errors import InputError


def devices() -> list[jax.Device]:
    """Return all devices, those of other processes of the job included.

    InputError if JAX_PLATFORMS names a platform that is not here: jax itself says so with an AssertionError.
    """
    try:
        return jax.devices()
    except (AssertionError, RuntimeError) as error:
        platforms = os.environ.get("JAX_PLATFORMS", "")
        reason = next(iter(str(error).split("\n")), "") or "jax has no plugin for it, or sees no such device"
        raise InputError(
            f"there are no devices of JAX_PLATFORMS={platforms}: {reason}; unset it to use what is here, or install "
            "jax for the platform"
        ) from error
