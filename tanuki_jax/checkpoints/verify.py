"""Comparison of arrays, on the disk or on the devices after they were restored, with those that were saved."""

import concurrent.futures
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from tanuki_jax.checkpoints.format import State
from tanuki_jax.checkpoints.restore import Parameters
from tanuki_jax.checkpoints.sums import host_sum, names, sums
from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.weights import lead_dims

_THREADS = 4
"""Layers that are in memory at a time; the loader keeps the other cores."""


def verify(checkpoint: Path, restored: Mapping[str, Any], state: State) -> str:
    """Return what is wrong with restored arrays, in a few words; empty if their bits on the devices are those that were
    saved.

    Arrays that have another type than in the checkpoint, and those of a checkpoint without sums, are not judged. All
    processes have to call it, and find the same.

    Args:
        checkpoint: folder that they are from.
        restored: items as `restore` returned them.
        state: state of the checkpoint.
    """
    for item, tree in restored.items():
        stored, leaves = Parameters(checkpoint, item), dict(zip(names(tree), jax.tree.leaves(tree), strict=True))
        judged = {
            name: leaf
            for name, leaf in leaves.items()
            if f"{item}.{name}" in state.sums and stored.dtype(name) == leaf.dtype
        }
        for name, found in sums(judged).items():
            if found != state.sums[f"{item}.{name}"]:
                return f"{item}.{name} on the devices is not what was saved"
    return ""


def sums_on_disk(checkpoint: Path, item: str, shapes: Any, model: Model) -> dict[str, int]:
    """Return the sums of an item of a checkpoint by dotted path, computed on the host from its files, a layer at a
    time.

    Args:
        checkpoint: folder with written arrays.
        item: one of `items.ITEMS`.
        shapes: tree of the item's arrays, or of their shapes.
        model: shape of the model, whose rows say how arrays are cut into chunks.
    """
    stored, result = Parameters(checkpoint, item), dict.fromkeys(names(shapes), 0)

    def part(name: str, index: tuple[int, ...], start: int) -> tuple[str, int]:
        return name, host_sum(stored.read(name, *index), start)

    with concurrent.futures.ThreadPoolExecutor(_THREADS, "verify") as pool:
        for name, found in pool.map(part, *zip(*_parts(shapes, model), strict=True)):
            result[name] = (result[name] + found) % 2**32
    return result


def _parts(shapes: Any, model: Model) -> Iterator[tuple[str, tuple[int, ...], int]]:
    """Yield name, index and first position of every layer, or expert of a layer, and of every array without layers."""
    for name, (path, leaf) in zip(names(shapes), jax.tree_util.tree_leaves_with_path(shapes), strict=True):
        lead = lead_dims(model, path)
        for number, index in enumerate(np.ndindex(*leaf.shape[:lead])):
            yield name, index, number * math.prod(leaf.shape[lead:])
