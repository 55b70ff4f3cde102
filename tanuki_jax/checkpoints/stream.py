"""Arrays written from host memory in the format of `save`: a layer, an expert or a part of a matrix at a time."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import numpy.typing as npt
import orbax.checkpoint as ocp
import tensorstore

from tanuki_jax.config.model import Model
from tanuki_jax.lm.model.weights import lead_dims

PART_BYTES = 128 << 20
"""Largest part of an array without layers, which is cut along its longest dim."""

type Part = tuple[int | slice, ...]
"""Index into an array: `(layer,)` of a stacked one, `(layer, expert)` of experts; else slices of all dims, of which one
is cut."""

type Read = Callable[[str, Part], npt.NDArray[Any]]
"""(dotted path of a leaf in the tree, as in `blocks.q`, part of it) -> values of the part."""


@dataclasses.dataclass(frozen=True)
class _Unread:
    """Array whose values are read when they are written."""

    name: str
    lead: int
    """Dims before those of one matrix."""
    chunk: tuple[int, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Read

    def parts(self) -> Iterator[Part]:
        """Yield one part for each chunk."""
        if self.lead:
            yield from np.ndindex(self.shape[: self.lead])
            return
        for position in np.ndindex(*(-(-size // step) for size, step in zip(self.shape, self.chunk, strict=True))):
            starts = [at * step for at, step in zip(position, self.chunk, strict=True)]
            yield tuple(
                slice(at, min(at + step, size)) for at, step, size in zip(starts, self.chunk, self.shape, strict=True)
            )


class _Handler(ocp.type_handlers.NumpyHandler):  # type: ignore[misc]
    """Writer of an `_Unread` in Orbax, like a NumPy array, that holds at most two parts of it."""

    async def serialize(
        self,
        values: Sequence[_Unread],
        infos: Sequence[ocp.type_handlers.ParamInfo],
        args: Sequence[ocp.SaveArgs] | None = None,
    ) -> list[ocp.future.Future]:
        for value, info in zip(values, infos, strict=True):
            array = await tensorstore.open(_specification(value, info.parent_dir), context=info.ts_context, create=True)
            written = tensorstore.Future(None)
            for part in value.parts():
                try:
                    block = value.read(value.name, part)
                finally:
                    await written
                written = array[part].write(block, can_reference_source_data_indefinitely=True).commit
                written.force()  # goes on while the next part is read
            await written
        return []


def write(checkpoint: Path, model: Model, tree: Any, read: Read, item: str = "base") -> None:
    """Write an item of a checkpoint, which does not count before `format.finish` is called on it.

    Args:
        checkpoint: a folder without the item.
        model: shape of the model, whose rows say how arrays are cut into chunks.
        tree: tree of `jax.ShapeDtypeStruct`, for `base` that of `weights.shapes`.
        read: called once for each part, in any order; returns values of the leaf's type, which must not change
            afterwards.
        item: one of `items.ITEMS`.
    """

    def unread(path: tuple[Any, ...], leaf: jax.ShapeDtypeStruct) -> _Unread:
        name, dtype = jax.tree_util.keystr(path, simple=True, separator="."), np.dtype(leaf.dtype)
        lead = lead_dims(model, path)
        chunk = (1,) * lead + leaf.shape[lead:] if lead else _chunk(leaf.shape, dtype.itemsize)
        return _Unread(name, lead, chunk, leaf.shape, dtype, read)

    handlers = ((_Unread, _Handler()), (jax.Array, ocp.type_handlers.ArrayHandler()))
    registry = ocp.type_handlers.create_type_handler_registry(*handlers)
    handler = ocp.PyTreeCheckpointHandler(use_zarr3=True, type_handler_registry=registry)
    folder = checkpoint.absolute() / item
    folder.mkdir(parents=True)
    # Without a Checkpointer, which makes folders in the background while the values are being written.
    handler.save(folder, args=ocp.args.PyTreeSave(jax.tree_util.tree_map_with_path(unread, tree)))
    handler.finalize(folder)
    handler.close()


def _chunk(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Return the shape with its longest dim cut until a chunk has at most PART_BYTES."""
    longest = max(range(len(shape)), key=lambda dim: shape[dim], default=0)
    size_bytes = math.prod(shape) * itemsize
    return tuple(
        min(size, max(1, size * PART_BYTES // size_bytes)) if dim == longest else size for dim, size in enumerate(shape)
    )


def _specification(value: _Unread, base: Any) -> dict[str, Any]:
    """Return tensorstore's specification of an array, where Orbax looks for a process's part of a checkpoint."""
    raw = {"name": "bytes", "configuration": {"endian": "little"}}
    compression = {"name": "zstd", "configuration": {"level": 3}}
    return {
        "driver": "zarr3",
        "kvstore": {
            "driver": "ocdbt",
            "base": {"driver": "file", "path": f"{base}/ocdbt.process_0/"},
            "path": f"{value.name}/",
        },
        "metadata": {
            "shape": value.shape,
            "data_type": value.dtype.name,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": value.chunk}},
            "codecs": [raw, compression],
            "fill_value": 0,
        },
        "store_data_equal_to_fill_value": True,  # a chunk of zeros that is not there would be taken for a lost one
    }
