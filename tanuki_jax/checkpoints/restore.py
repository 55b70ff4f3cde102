"""Arrays out of a checkpoint: all at once onto any mesh, or layer by layer."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orbax.checkpoint as ocp
import tensorstore

from tanuki_jax.checkpoints.save import checkpoint_handler


def restore(checkpoint: Path, **items: Any) -> dict[str, Any]:
    """The items of a checkpoint as `jax.Array`s.

    Args:
        checkpoint: folder of a finished checkpoint.
        items: by name (`base`, `optimizer`), trees of `jax.ShapeDtypeStruct` that carry the shardings to restore onto; they need
            not be those that the arrays were saved from. Types are cast to the ones given.
    """
    wanted = {
        name: ocp.args.PyTreeRestore(item=tree, restore_args=ocp.checkpoint_utils.construct_restore_args(tree))
        for name, tree in items.items()
    }
    restored = ocp.Checkpointer(checkpoint_handler()).restore(checkpoint.resolve(), args=ocp.args.Composite(**wanted))
    return {name: restored[name] for name in items}


class Parameters:
    """The parameters of a checkpoint, read by name and layer without holding more than is asked for."""

    def __init__(self, checkpoint: Path) -> None:
        self._base = checkpoint.resolve() / "base"

    def _open(self, name: str) -> Any:
        store = {"driver": "ocdbt", "base": {"driver": "file", "path": f"{self._base}/"}, "path": f"{name}/"}
        return tensorstore.open({"driver": "zarr3", "kvstore": store}, open=True, read=True).result()

    def read(self, name: str) -> npt.NDArray[Any]:
        """A whole parameter, by its dotted path in the tree, as in `norm`."""
        return np.asarray(self._open(name).read().result())

    def read_layer(self, name: str, *index: int) -> npt.NDArray[Any]:
        """One layer of a stacked parameter, as in `blocks.q`; or, with two indices, one expert of a layer, as in `blocks.expert_gate`."""
        return np.asarray(self._open(name)[index].read().result())
