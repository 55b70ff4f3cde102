"""Device mesh of a layout."""

import math
from collections.abc import Sequence

import jax
from jax.sharding import AxisType, Mesh

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.progress import amount
from tanuki_jax.config.experiment import Layout
from tanuki_jax.lm.kernels.devices import devices as available_devices

AXES = ("stage", "data", "fsdp", "expert", "context", "tensor")
"""Mesh axes, slowest first: neighbours on the last axis exchange the most."""


def make_mesh(layout: Layout, devices: Sequence[jax.Device] | None = None) -> Mesh:
    """Return the mesh of all devices (or of some) over `AXES`, with automatic partitioning. InputError if the sizes do
    not fit."""
    devices = available_devices() if devices is None else devices
    sizes = {axis: int(getattr(layout, axis)) for axis in AXES}
    wanted = ", ".join(f"{axis} {size}" for axis, size in sizes.items() if size != 1)
    fixed, open_axes = math.prod(size for size in sizes.values() if size != -1), list(sizes.values()).count(-1)
    if fixed < 1 or len(devices) % fixed or open_axes > 1 or (open_axes == 0 and fixed != len(devices)):
        raise InputError(
            f"the layout ({wanted or 'one device'}) does not fit {amount(len(devices), 'device')}: the sizes of its "
            f"axes, multiplied, must be {len(devices)}, where one axis may be -1 and takes the rest"
        )
    shape = tuple(len(devices) // fixed if size == -1 else size for size in sizes.values())
    return jax.make_mesh(shape, AXES, axis_types=(AxisType.Auto,) * len(AXES), devices=devices)
