"""Files of safetensors, written and read without ever holding a file's tensors together
(https://huggingface.co/docs/safetensors)."""

import dataclasses
import itertools
import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import ml_dtypes  # noqa: F401  gives NumPy, and through it safetensors, the type bfloat16
import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.json_object import read_object
from tanuki_jax.checkpoints.hugging_face.tensors import Tensor

SHARD_BYTES = 5_000_000_000
"""Largest file, unless one tensor alone is larger; Hugging Face's own default."""
BLOCK_BYTES = 32 << 20
"""Bytes that are copied and cast at once."""

_SINGLE, _INDEX = "model.safetensors", "model.safetensors.index.json"
FLOATS = ("F32", "BF16", "F16")
"""Types, as safetensors name them, that are read: all their values are float32's too."""
_CODES = {"float32": "F32", "bfloat16": "BF16"}


@dataclasses.dataclass(frozen=True)
class Stored:
    """A tensor in a file."""

    path: Path
    shape: tuple[int, ...]
    code: str
    """Its type as safetensors name it: `F32`, `BF16`."""


def write(
    folder: Path,
    tensors: Sequence[Tensor],
    dtype: str,
    read: Callable[[Tensor], npt.NDArray[Any]],
    shard_bytes: int = SHARD_BYTES,
) -> int:
    """Write tensors, and an index if they fill more than one file; return the number of files.

    Args:
        folder: folder of the files.
        tensors: in the order in which they are written.
        dtype: `float32` or `bfloat16`, which the values are cast to, rounding to the nearest, ties to even.
        read: returns the values of a tensor; called once for each.
        shard_bytes: largest file.
    """
    size = np.dtype(dtype).itemsize
    shards: list[list[Tensor]] = [[]]
    for tensor in tensors:
        if shards[-1] and sum(math.prod(other.shape) for other in [*shards[-1], tensor]) * size > shard_bytes:
            shards.append([])
        shards[-1].append(tensor)
    names = [f"model-{number:05d}-of-{len(shards):05d}.safetensors" for number in range(1, len(shards) + 1)]
    if len(shards) == 1:
        names = [_SINGLE]
    for name, shard in zip(names, shards, strict=True):
        _write_file(folder / name, shard, dtype, read)
    if len(shards) > 1:
        total = sum(math.prod(tensor.shape) for tensor in tensors) * size
        places = {tensor.name: name for name, shard in zip(names, shards, strict=True) for tensor in shard}
        index = {"metadata": {"total_size": total}, "weight_map": places}
        (folder / _INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
    return len(shards)


def _write_file(path: Path, tensors: Sequence[Tensor], dtype: str, read: Callable[[Tensor], npt.NDArray[Any]]) -> None:
    """Eight bytes with the length of the header, the header, and the tensors in its order."""
    kind = np.dtype(dtype)
    ends = list(itertools.accumulate(math.prod(tensor.shape) * kind.itemsize for tensor in tensors))
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    for tensor, start, end in zip(tensors, [0, *ends], ends, strict=False):
        header[tensor.name] = {"dtype": _CODES[dtype], "shape": tensor.shape, "data_offsets": (start, end)}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for tensor in tensors:
            values = read(tensor)
            assert values.shape == tensor.shape
            rows = max(1, BLOCK_BYTES * len(values) // max(values.nbytes, 1))
            for start in range(0, len(values), rows):
                file.write(np.ascontiguousarray(values[start : start + rows], kind).tobytes())
        file.flush()
        os.fsync(file.fileno())


class Shards:
    """The tensors of a model folder.

    A file is mapped into memory for one reading at a time, so that what has been read does not stay there.
    """

    def __init__(self, folder: Path) -> None:
        """InputError if a file is missing or damaged, or holds other tensors than the index says."""
        places = _places(folder)
        self._tensors: dict[str, Stored] = {}
        for path in [folder / _SINGLE] if places is None else sorted(set(places.values())):
            for name, tensor in stored(path).items():
                if name in self._tensors:
                    raise InputError(f"{path} has the tensor {name}, and so has {self._tensors[name].path.name}")
                if places is not None and places.get(name, path) != path:
                    stated = places[name].name
                    raise InputError(f"{path} has the tensor {name}, which is in {stated} by {folder / _INDEX}")
                self._tensors[name] = tensor
        for name, path in (places or {}).items():
            if name not in self._tensors:
                raise InputError(f"{path} lacks the tensor {name}, which is in it by {folder / _INDEX}")

    @property
    def tensors(self) -> Mapping[str, Stored]:
        """All tensors by name."""
        return self._tensors

    def read(self, name: str, rows: slice) -> npt.NDArray[Any]:
        """Return some rows of a tensor."""
        with safe_open(self._tensors[name].path, framework="numpy") as file:
            values: npt.NDArray[Any] = file.get_slice(name)[rows]
        return values


def stored(path: Path) -> dict[str, Stored]:
    """Return the tensors of one file by name. InputError if it is missing or damaged."""
    try:
        with safe_open(path, framework="numpy") as file:
            parts = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118  it is no mapping
            return {name: Stored(path, tuple(part.get_shape()), part.get_dtype()) for name, part in parts.items()}
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} cannot be read as safetensors: {error}") from None


def _places(folder: Path) -> dict[str, Path] | None:
    """Return the file of every tensor by the index, or None where one file holds all."""
    index = folder / _INDEX
    if not index.is_file():
        if not (folder / _SINGLE).is_file():
            raise InputError(
                f"{folder} has neither {_SINGLE} nor {_INDEX}; other formats of weights cannot be converted"
            )
        return None
    names = read_object(index).get("weight_map")
    if not isinstance(names, dict) or not names or not all(isinstance(name, str) for name in names.values()):
        raise InputError(f"{index} has no weight_map from tensors to files")
    if (folder / _SINGLE).is_file() and _SINGLE not in names.values():
        raise InputError(
            f"{folder} has {_SINGLE} and {_INDEX}, which names other files: move away the one that is out of date"
        )
    for name in names.values():
        if Path(name).name != name or not name.isprintable() or not name.endswith(".safetensors"):
            raise InputError(f"{index} names the file {name!r:.80}, which is no file of safetensors in its folder")
    return {tensor: folder / name for tensor, name in names.items()}
