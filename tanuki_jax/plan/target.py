"""Accelerators that this machine does not have: devices to compile for, not to run on."""

import importlib.util
from importlib import resources

import jax
from jax.experimental import topologies

from tanuki_jax.errors import InputError

GPUS_PER_NODE = 8


def names() -> list[str]:
    """The accelerators that can be compiled for."""
    folder = resources.files("tanuki_jax.plan") / "targets"
    return sorted(entry.name.removesuffix(".txtpb") for entry in folder.iterdir() if entry.name.endswith(".txtpb"))


def devices(name: str, count: int = 1) -> list[jax.Device]:
    """Compile-only devices, in nodes of eight.

    Programs for them are lowered and compiled to machine code; no accelerator is touched.

    Args:
        name: one of `names()`.
        count: up to eight, or a multiple of eight.

    Raises:
        InputError: on another name or count, or where the CUDA compiler (the `gpu` extra) is not installed.
    """
    if name not in names():
        raise InputError(f"there is no target {name!r}, only {', '.join(names())}")
    if count < 1 or (count > GPUS_PER_NODE and count % GPUS_PER_NODE):
        raise InputError(f"a target has 1 to {GPUS_PER_NODE} devices or a multiple of {GPUS_PER_NODE}, not {count}")
    if importlib.util.find_spec("jax_cuda13_plugin") is None:
        raise InputError(f"compiling for {name} needs the CUDA plugin of jax: pip install 'tanuki-jax[gpu]' (no GPU is needed)")
    nodes, per_node = max(1, count // GPUS_PER_NODE), min(count, GPUS_PER_NODE)
    config = (resources.files("tanuki_jax.plan") / "targets" / f"{name}.txtpb").read_text("utf-8")
    # What comes first is the name of a topology, which a CUDA target does not need.
    return list(topologies.get_topology_desc("", platform="cuda", target_config=config, topology=f"{nodes}x{per_node}x1").devices)
