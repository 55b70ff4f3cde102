"""The devices that a plan is for, by a word such as `h100:3x8`; they need not be here. Reading the word needs no jax."""

import dataclasses
import importlib.util
import math
import os
import re
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.hardware import Hardware, compiler_configuration, find

ALONE = {"TPU_SKIP_MDS_QUERY": "1", "TPU_WORKER_HOSTNAMES": "localhost", "TPU_ACCELERATOR_TYPE": "none"}
"""Tells libtpu that no machine of Google's is around it, which it would look for and miss."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Target:
    """So many devices of a kind."""

    name: str
    """As it was written."""
    hardware: Hardware
    shape: tuple[int, ...]
    """Nodes and the devices of each; of a TPU slice, its chips along each axis of the torus."""

    @property
    def count(self) -> int:
        """Devices."""
        return math.prod(self.shape)

    @property
    def per_node(self) -> int:
        """Devices that share the fast links."""
        return self.count if self.hardware.kind == "tpu" else self.shape[1]

    def devices(self) -> list[Any]:
        """Its `jax.Device`s, to compile for, node by node. Those of CPUs are this machine's; no accelerator is touched.

        InputError where the compiler for them is not installed, or jax was started with fewer CPU devices.
        """
        if self.hardware.kind == "gpu":
            return _gpus(self.hardware, self.shape)
        return _tpus(self) if self.hardware.kind == "tpu" else _cpus(self.count)


def parse(text: str) -> Target:
    """The target of a word: `h100:3x8` is three nodes of eight, `h100:8` one node, `v5p:2x2x1` a slice, `my.toml:2x8` a file of your own.

    InputError for a kind of device that nobody described, and for numbers that its nodes do not have.
    """
    kind, colon, numbers = text.rpartition(":")
    if not colon:
        raise InputError(
            f"the target {text!r} says nothing of how many devices there are; write NODESxDEVICES, as in {text or 'h100'}:1x8"
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
            f"the target {text!r} must have two numbers, nodes x devices of each, as in {kind}:2x{hardware.devices_per_node}"
        )
    most = hardware.devices_per_node
    if shape[1] > most:
        nodes, rest = divmod(math.prod(shape), most)
        hint = f"write {kind}:{nodes}x{most}" if not rest else f"take a multiple of {most}"
        raise InputError(f"a node of {hardware.name} has {most} devices, not {shape[1]}; {hint}")
    return Target(name=text, hardware=hardware, shape=shape)


def _gpus(hardware: Hardware, shape: tuple[int, ...]) -> list[Any]:
    if importlib.util.find_spec("jax_cuda13_plugin") is None:
        raise InputError(
            f"compiling for {hardware.name} needs the CUDA plugin of jax: pip install 'tanuki-jax[gpu]' (no GPU is needed)"
        )
    from jax.experimental import topologies

    configuration = compiler_configuration(hardware.compiled_as)
    nodes, per_node = shape
    # What comes first is the name of a topology, which a CUDA target does not need.
    found = topologies.get_topology_desc(
        "", platform="cuda", target_config=configuration, topology=f"{nodes}x{per_node}x1"
    )
    return list(found.devices)


def _tpus(target: Target) -> list[Any]:
    if importlib.util.find_spec("libtpu") is None:
        raise InputError(
            f"compiling for {target.hardware.name} needs libtpu: pip install 'tanuki-jax[tpu]' (no TPU is needed)"
        )
    from jax.experimental import topologies

    for name, value in ALONE.items():
        os.environ.setdefault(name, value)
    topology = f"{target.hardware.compiled_as}:{'x'.join(map(str, target.shape))}"
    try:
        found = list(topologies.get_topology_desc(platform="tpu", topology_name=topology).devices)
    except Exception as error:
        first = next(iter(str(error).splitlines()), "")
        raise InputError(f"libtpu knows no slice {topology}: {first}") from None
    if len(found) != target.count:
        raise InputError(f"a slice {topology} has {len(found)} devices, not {target.count}")
    return found


def _cpus(count: int) -> list[Any]:
    import jax

    found = jax.devices("cpu")
    if len(found) < count:
        raise InputError(
            f"jax was started with {len(found)} CPU devices, not {count}; XLA_FLAGS=--xla_force_host_platform_device_count={count}"
        )
    return list(found[:count])
