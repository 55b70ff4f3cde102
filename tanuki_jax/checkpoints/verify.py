"""Whether arrays on the disk, or on the devices after they were restored, are those that were saved."""

import concurrent.futures
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from tanuki_jax.checkpoints.chunks import stacked_dims
from tanuki_jax.checkpoints.format import State
from tanuki_jax.checkpoints.restore import Parameters
from tanuki_jax.checkpoints.sums import host_sum, names, sums

_THREADS = 4
"""At most so many layers are in memory at a time, and the loader keeps the other cores."""


def verify(checkpoint: Path, restored: Mapping[str, Any], state: State) -> str:
    """What is wrong with restored arrays, in a few words; empty if their bits on the devices are those that were saved.

    Arrays that have another type than in the checkpoint, and those of a checkpoint without sums, are not judged. All processes
    have to call it, and find the same.

    Args:
        checkpoint: where they are from.
        restored: what `restore` returned.
        state: of the checkpoint.
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


def sums_on_disk(checkpoint: Path, item: str, shapes: Any) -> dict[str, int]:
    """The sums of an item of a checkpoint by dotted path, computed by the host from its files, a layer at a time on a few threads.

    Args:
        checkpoint: its arrays are written.
        item: one of `items.ITEMS`.
        shapes: tree of the item's arrays, or of what has their shapes.
    """
    stored, result = Parameters(checkpoint, item), dict.fromkeys(names(shapes), 0)

    def part(name: str, index: tuple[int, ...], start: int) -> tuple[str, int]:
        return name, host_sum(stored.read(name, *index), start)

    with concurrent.futures.ThreadPoolExecutor(_THREADS, "verify") as pool:
        for name, found in pool.map(part, *zip(*_parts(shapes), strict=True)):
            result[name] = (result[name] + found) % 2**32
    return result


def _parts(shapes: Any) -> Iterator[tuple[str, tuple[int, ...], int]]:
    """Name, index and first place of every layer, or expert of a layer, and of every array that has none."""
    for name, leaf in zip(names(shapes), jax.tree.leaves(shapes), strict=True):
        stacked = stacked_dims(name)
        for number, index in enumerate(np.ndindex(*leaf.shape[:stacked])):
            yield name, index, number * math.prod(leaf.shape[stacked:])
