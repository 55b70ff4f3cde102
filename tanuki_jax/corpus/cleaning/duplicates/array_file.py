"""Files of named arrays with a header that is checked: what one task of finding duplicates hands to the next.

A file is 8 bytes of mark, 8 bytes with the length of the header, the header as JSON, and the arrays, each at a multiple
of 64 bytes, so that they can be mapped into memory. The header has the version of the format, the kind of file, the
settings on which its arrays depend, facts such as counts, and the size of the file.
"""

import contextlib
import io
import json
import math
import mmap
import os
import shutil
import struct
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.atomic import replacing
from tanuki_jax.base.errors import InputError

VERSION = 1
"""Version of the format and of everything that decides which numbers are in it, hash functions included."""
_MARK = b"TANUKIAR"
_ALIGNMENT = 64
_PREFIX = struct.Struct("<8sQ")
_LONGEST_HEADER = 1 << 24
_READ_AT_ONCE = 1 << 12
"""Bytes that most headers fit in."""

Array = npt.NDArray[Any]


class ArrayWriter:
    """Arrays on their way into a file. Each grows by appending, in a nameless temporary file, not in memory."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        """Create a writer of no arrays.

        Args:
            folder: folder of the temporary files.
            stack: closes them.
        """
        self.facts: dict[str, Any] = {}
        """Counts and the like, as JSON values."""
        self._folder, self._stack = folder, stack
        self._files: dict[str, IO[bytes]] = {}
        self._columns: dict[str, dict[str, Any]] = {}

    def append(self, name: str, array: Array) -> None:
        """Append to an array along its first axis; the first call makes it."""
        if name not in self._files:
            # The file of a killed process is gone with it, for it has no name.
            spool = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115
            self._files[name] = self._stack.enter_context(spool)
            self._columns[name] = {"type": array.dtype.str, "shape": [0, *array.shape[1:]]}
        column = self._columns[name]
        assert column["type"] == array.dtype.str and column["shape"][1:] == list(array.shape[1:])
        column["shape"][0] += len(array)
        self._files[name].write(memoryview(np.ascontiguousarray(array)).cast("B") if array.size else b"")

    def finish(self, file: IO[bytes], kind: str, settings: Mapping[str, Any]) -> None:
        """Write the header and the arrays."""
        offset = 0
        for name, column in self._columns.items():
            column["offset"] = offset  # behind the header, whose length is not known yet
            offset += _aligned(self._files[name].tell())
        header = {"version": VERSION, "kind": kind, "settings": dict(settings), "facts": self.facts}
        text = json.dumps(header | {"arrays": self._columns, "array_bytes": offset}).encode()
        text = text.ljust(_aligned(_PREFIX.size + len(text)) - _PREFIX.size)
        file.write(_PREFIX.pack(_MARK, len(text)) + text)
        for spool in self._files.values():
            length = spool.tell()
            spool.seek(0)
            shutil.copyfileobj(spool, file, 1 << 20)
            file.write(bytes(_aligned(length) - length))


@contextlib.contextmanager
def writing(path: Path, kind: str, settings: Mapping[str, Any]) -> Iterator[ArrayWriter]:
    """Yield a writer whose arrays become the file `path` when the block ends without an error."""
    with contextlib.ExitStack() as stack:
        writer = ArrayWriter(path.parent, stack)
        yield writer
        with replacing(path) as partial, partial.open("wb") as file:
            writer.finish(file, kind, settings)


def write_arrays(
    path: Path, kind: str, settings: Mapping[str, Any], arrays: Mapping[str, Array], **facts: object
) -> None:
    """Write a file of arrays that are in memory."""
    with writing(path, kind, settings) as writer:
        writer.facts = facts
        for name, array in arrays.items():
            writer.append(name, array)


class ArrayFile:
    """The arrays of a file. Single arrays are mapped into memory, and what is not touched is not read."""

    def __init__(self, path: Path, kind: str, settings: Mapping[str, Any]) -> None:
        """Open a file and check its header.

        Raises:
            InputError: it is no such file, is cut, or was made by another version or with other settings.
        """
        self.path = path
        header, start, size = _read_header(path)
        if header["version"] != VERSION or header["kind"] != kind:
            raise InputError(
                f"{path} holds {header['kind']} of format {header['version']}, and {kind} of format {VERSION} are "
                "needed; delete the file, and it is made anew"
            )
        for name in dict(settings) | header["settings"]:
            stored, wanted = header["settings"].get(name), settings.get(name)
            if stored != wanted:
                raise InputError(
                    f"{path} was made with {name} = {stored}, and {name} is {wanted} now; use the old value, or delete "
                    "the file, and it is made anew"
                )
        if size != start + header["array_bytes"]:
            raise InputError(
                f"{path} has {size} bytes instead of {start + header['array_bytes']}; delete the file, and it is made "
                "anew"
            )
        self.facts: dict[str, Any] = header["facts"]
        self._columns, self._start = header["arrays"], start
        self._map: mmap.mmap | None = None

    def __getitem__(self, name: str) -> Array:
        """Return an array, mapped. The file stays open until `release`."""
        column = self._columns[name]
        if 0 in column["shape"]:
            return np.empty(column["shape"], column["type"])
        if self._map is None:
            with io.FileIO(self.path) as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        array: Array = np.ndarray(column["shape"], column["type"], self._map, self._start + column["offset"])
        return array

    def rows(self, name: str) -> int:
        """Return the length of an array, without a look at it."""
        length: int = self._columns[name]["shape"][0]
        return length

    def release(self) -> None:
        """Close the file once no array of it is in use, so that neither its pages nor open files add up in a task
        that reads many files."""
        self._map = None

    def read(self, name: str, start: int = 0, stop: int | None = None) -> Array:
        """Return a copy of the items [start, stop) of an array."""
        stop = self.rows(name) if stop is None else stop
        return next(self.pieces(name, [start], [stop]))

    def pieces(self, name: str, starts: Sequence[int], stops: Sequence[int]) -> Iterator[Array]:
        """Yield copies of the items [start, stop) of an array, for several pairs of these."""
        column = self._columns[name]
        kind, shape = np.dtype(column["type"]), column["shape"][1:]
        size = kind.itemsize * math.prod(shape)
        offset = self._start + column["offset"]
        with io.FileIO(self.path) as file:
            descriptor = file.fileno()
            for start, stop in zip(starts, stops, strict=True):
                array = np.empty((stop - start, *shape), kind)
                read = os.preadv(descriptor, (array.data,), offset + start * size) if stop > start else 0
                assert read == array.nbytes
                yield array


def _read_header(path: Path) -> tuple[dict[str, Any], int, int]:
    """Return the header of a file, where its arrays start, and its size."""
    try:
        with io.FileIO(path) as file:
            begin = file.read(_READ_AT_ONCE)
            mark, length = _PREFIX.unpack_from(begin)
            if mark == _MARK and length <= _LONGEST_HEADER:
                text = begin[_PREFIX.size : _PREFIX.size + length]
                text += file.read(length - len(text))
                header: dict[str, Any] = json.loads(text)
                return header, _PREFIX.size + length, os.fstat(file.fileno()).st_size
    except (struct.error, ValueError):
        pass
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing; the task that makes it has not run") from error
    raise InputError(f"{path} is not a file of arrays, or is damaged; delete the file, and it is made anew")


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
