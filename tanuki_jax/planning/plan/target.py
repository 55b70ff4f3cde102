"""Target devices of a plan, parsed from a text such as `h100:3x8` without jax; they need not be present."""

import dataclasses
import importlib.util
import math
import os
import re
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.hardware import Hardware, compiler_configuration, find

OFFLINE_TPU = {"TPU_SKIP_MDS_QUERY": "1", "TPU_WORKER_HOSTNAMES": "localhost", "TPU_ACCELERATOR_TYPE": "none"}
"""Environment variables that stop libtpu from looking for the metadata server of a cloud machine."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Target:
    """A number of devices of one kind."""

    name: str
    """The text of the target."""
    hardware: Hardware
    shape: tuple[int, ...]
    """Nodes and devices of each; for a TPU slice, chips along each axis of the torus."""

    @property
    def count(self) -> int:
        """Number of devices."""
        return math.prod(self.shape)

    @property
    def per_node(self) -> int:
        """Devices that share the fast links."""
        return self.count if self.hardware.kind == "tpu" else self.shape[1]

    def devices(self) -> list[Any]:
        """Return the `jax.Device`s to compile for, node by node; CPUs are this machine's. No accelerator is touched.

        InputError if the compiler is not installed, or jax was started with fewer CPU devices.
        """
        if self.hardware.kind == "gpu":
            return _gpus(self.hardware, self.shape)
        return _tpus(self) if self.hardware.kind == "tpu" else _cpus(self.count)


def parse(text: str) -> Target:
    """Parse a target: `h100:3x8` has 3 nodes of 8, `h100:8` one, `v5p:2x2x1` is a slice, `my.toml:2x8` a hardware file.

    InputError for an unknown kind of device, and for more devices than a node has.
    """
    kind, colon, numbers = text.rpartition(":")
    if not colon:
        raise InputError(
            f"the target {text!r} has no number of devices; write NODESxDEVICES behind it, as in {text or 'h100'}:1x8"
        )
    hardware = find(kind)
    if not re.fullmatch(r"[1-9]\d*(x[1-9]\d*)*", numbers):
        raise InputError(f"the target {text!r} must end in numbers above 0 with x between them, not {numbers!r}")
    shape = tuple(map(int, numbers.split("x")))
    if hardware.kind == "tpu":
        return Target(name=text, hardware=hardware, shape=shape)
    shape = (1, *shape) if len(shape) == 1 else shape
    if len(shape) != 2:
        raise InputError(
            f"the target {text!r} must have two numbers, NODESxDEVICES, as in {kind}:2x{hardware.devices_per_node}"
        )
    most = hardware.devices_per_node
    if shape[1] > most:
        nodes, rest = divmod(math.prod(shape), most)
        hint = f"write {kind}:{nodes}x{most}" if not rest else f"choose a multiple of {most}"
        raise InputError(f"a node of {hardware.name} has {most} devices, not {shape[1]}; {hint}")
    return Target(name=text, hardware=hardware, shape=shape)


def _gpus(hardware: Hardware, shape: tuple[int, ...]) -> list[Any]:
    if importlib.util.find_spec("jax_cuda13_plugin") is None:
        raise InputError(
            f"to compile for {hardware.name} without a GPU, install jax's CUDA plugin: pip install 'tanuki-jax[gpu]'"
        )
    from jax.experimental import topologies

    configuration = compiler_configuration(hardware.compiled_as)
    nodes, per_node = shape
    # The first argument names a topology, which a CUDA target does not need.
    described = topologies.get_topology_desc(
        "", platform="cuda", target_config=configuration, topology=f"{nodes}x{per_node}x1"
    )
    return list(described.devices)


def _tpus(target: Target) -> list[Any]:
    if importlib.util.find_spec("libtpu") is None:
        raise InputError(
            f"to compile for {target.hardware.name} without a TPU, install libtpu: pip install 'tanuki-jax[tpu]'"
        )
    from jax.experimental import topologies

    for name, value in OFFLINE_TPU.items():
        os.environ.setdefault(name, value)
    topology = f"{target.hardware.compiled_as}:{'x'.join(map(str, target.shape))}"
    try:
        devices = list(topologies.get_topology_desc(platform="tpu", topology_name=topology).devices)
    except Exception as error:
        first = next(iter(str(error).splitlines()), "")
        raise InputError(f"libtpu does not know the slice {topology}: {first}") from None
    if len(devices) != target.count:
        raise InputError(f"a slice {topology} has {len(devices)} devices, not {target.count}")
    return devices


def _cpus(count: int) -> list[Any]:
    import jax

    devices = jax.devices("cpu")
    if len(devices) < count:
        flag = f"XLA_FLAGS=--xla_force_host_platform_device_count={count}"
        raise InputError(f"jax was started with {len(devices)} CPU devices, not {count}; set {flag}")
    return list(devices[:count])
