"""Arrays read from a checkpoint: all at once onto any mesh, or layer by layer."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orbax.checkpoint as ocp
import tensorstore

from tanuki_jax.checkpoints.items import checkpoint_handler
from tanuki_jax.checkpoints.old_versions import VERSION, stored_name


def restore(checkpoint: Path, **items: Any) -> dict[str, Any]:
    """Return items of a checkpoint as `jax.Array`s.

    Args:
        checkpoint: folder of a finished checkpoint.
        items: by name (`base`, `optimizer`), trees of `jax.ShapeDtypeStruct` that carry the shardings to restore onto;
            they need not be those that the arrays were saved from. Types are cast to the ones given.
    """
    wanted = {
        name: ocp.args.PyTreeRestore(item=tree, restore_args=ocp.checkpoint_utils.construct_restore_args(tree))
        for name, tree in items.items()
    }
    restored = ocp.Checkpointer(checkpoint_handler()).restore(checkpoint.resolve(), args=ocp.args.Composite(**wanted))
    return {name: restored[name] for name in items}


class Parameters:
    """Parameters of a checkpoint, or arrays of another item, read by name and part by part."""

    def __init__(self, checkpoint: Path, item: str = "base", version: int = VERSION) -> None:
        self._item, self._version = checkpoint.resolve() / item, version

    def dtype(self, name: str) -> np.dtype[Any]:
        """Return the type of an array."""
        return np.dtype(self._open(name).dtype.numpy_dtype)

    def read(self, name: str, *index: int | slice) -> npt.NDArray[Any]:
        """Return an array by its dotted path in the tree, or its part at an index into the first dims.

        `read("norm")` is all of the array, `read("blocks.q", 3)` a layer, `read("blocks.expert_gate", 3, 1)` an expert
        of a layer.
        """
        return np.asarray(self._open(name)[index].read().result())

    def _open(self, name: str) -> tensorstore.TensorStore:
        store = {
            "driver": "ocdbt",
            "base": {"driver": "file", "path": f"{self._item}/"},
            "path": f"{stored_name(name, self._version)}/",
        }
        return tensorstore.open({"driver": "zarr3", "kvstore": store}, open=True, read=True).result()
