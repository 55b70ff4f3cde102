"""Checks of the hardware: a step computed twice, and replicas of the train state compared, bit for bit."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from tanuki_jax.base.errors import Corrupt
from tanuki_jax.checkpoints.sums import device_sum, names
from tanuki_jax.data.batch import Batch
from tanuki_jax.training.setup import TrainSetup, TrainState
from tanuki_jax.training.step import step_function

type Check = Callable[[TrainState, Batch[jax.Array]], None]

type Checksums = npt.NDArray[np.uint32]
"""uint32[arrays, *mesh]: checksums of the part of each array that each device holds."""

MAX_NAMED = 3
"""Number of arrays or devices that an error names; it counts the others."""


def make_check(setup: TrainSetup) -> Check:
    """Return a check of a train state and the batch of its next step; it changes neither.

    The check compares every array of the state between the devices that hold the same part of it, then computes the
    step twice with one program and compares what each device holds of the proposed state and of the metrics. That takes
    the time of two steps. Only checksums leave the program: no second state is kept.

    A GPU's fastest kernels may add in any order. XLA_FLAGS=--xla_gpu_exclude_nondeterministic_ops=true excludes them;
    without it a healthy GPU may fail the check. (--xla_gpu_deterministic_ops=true also turns autotuning off, which is
    not needed: it happens when the program is compiled, and that is once.)

    The check raises Corrupt, in every process, with the names of arrays and devices. Every process must call it, inside
    `jax.set_mesh`.
    """
    mesh, placed = setup.mesh, setup.state_shardings
    dotted = names(setup.state_shapes)
    specs = [sharding.spec for sharding in jax.tree.leaves(placed)]
    step = step_function(setup)

    @_replicated(mesh)
    def present(state: TrainState) -> jax.Array:
        return _checksums(mesh, jax.tree.leaves(state), specs)

    @_replicated(mesh)
    def proposed(state: TrainState, batch: Batch[jax.Array]) -> tuple[jax.Array, dict[str, jax.Array]]:
        after, metrics = step(state, batch)
        leaves = jax.tree.leaves(jax.lax.with_sharding_constraint(after, placed))
        return _checksums(mesh, leaves, specs), {
            name: _checksums(mesh, [value], [P()])[0] for name, value in metrics.items()
        }

    def check(state: TrainState, batch: Batch[jax.Array]) -> None:
        _compare_replicas(mesh, dotted, specs, np.asarray(present(state)))
        (first, first_metrics), (second, second_metrics) = (jax.device_get(proposed(state, batch)) for _ in range(2))
        differ = dict(zip(dotted, first != second, strict=True)) | {
            name: first_metrics[name] != second_metrics[name] for name in first_metrics
        }
        wrong = {name: devices for name, devices in differ.items() if devices.any()}
        if wrong:
            devices = np.any(list(wrong.values()), axis=0)
            raise Corrupt(
                f"the same step computed twice gave different {_listed([*wrong])}, on {_devices(mesh, devices)}"
            )

    return check


def _compare_replicas(mesh: Mesh, dotted: Sequence[str], specs: Sequence[P], sums: Checksums) -> None:
    """Raise Corrupt if devices that should hold the same part of an array hold different bits."""
    axes = tuple(mesh.axis_names)
    wrong: dict[str, Any] = {}
    along: set[str] = set()
    for name, spec, device_sums in zip(dotted, specs, sums, strict=True):
        split = {axis for entry in spec for axis in ((entry,) if isinstance(entry, str) else entry or ())}
        replicated = [axis for axis in axes if axis not in split]
        if (odd := _outliers(device_sums, tuple(map(axes.index, replicated)))).any():
            wrong[name] = odd
            along.update(axis for axis in replicated if mesh.shape[axis] > 1)
    if wrong:
        devices = np.any(list(wrong.values()), axis=0)
        over = " x ".join(axis for axis in axes if axis in along)
        raise Corrupt(f"replicas of {_listed([*wrong])} along {over} differ on {_devices(mesh, devices)}")


def _outliers(values: Checksums, axes: tuple[int, ...]) -> npt.NDArray[np.bool]:
    """Mark the values that differ from the majority along some axes; all of them where there is no majority."""
    # Sorted, a majority covers the middle: lower and upper median are its value. Where the two differ there is none.
    lower, upper = (np.quantile(values, 0.5, axis=axes, keepdims=True, method=way) for way in ("lower", "higher"))
    return (values != lower) | (values != upper)


def _checksums(mesh: Mesh, leaves: Sequence[jax.Array], specs: Sequence[P]) -> jax.Array:
    """Return uint32[leaves, *mesh]: checksums of the part of each leaf that each device holds."""
    axes = tuple(mesh.axis_names)

    def local(*parts: jax.Array) -> jax.Array:
        return jnp.stack([device_sum(part) for part in parts]).reshape(-1, *(1 for _ in axes))

    sums: jax.Array = jax.shard_map(local, mesh=mesh, in_specs=tuple(specs), out_specs=P(None, *axes), check_vma=False)(
        *leaves
    )
    return sums


def _replicated[**Arguments, Result](
    mesh: Mesh,
) -> Callable[[Callable[Arguments, Result]], Callable[Arguments, Result]]:
    """Return a decorator that jits a function so that every process has the full result."""
    return lambda function: jax.jit(function, out_shardings=NamedSharding(mesh, P()))


def _devices(mesh: Mesh, mask: npt.NDArray[np.bool]) -> str:
    if mask.all() and mask.size > MAX_NAMED:
        return f"all {mask.size} devices"
    return _listed([f"device {device.id} of process {device.process_index}" for device in mesh.devices[mask]])


def _listed(words: Sequence[str]) -> str:
    more = len(words) - MAX_NAMED
    return ", ".join(words[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")
