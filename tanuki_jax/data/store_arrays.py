"""One-dimensional zarr3 arrays, the files of a token store: written front to back, read in parts.

An array is a sequence of shards, each of which is one file. A shard is a sequence of chunks, the smallest part that can
be read; it is compressed and has a checksum. Small chunks make random reads cheap, large shards keep the files few.
"""

import contextlib
import functools
import hashlib
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import tensorstore

from tanuki_jax.base.retries import retrying, system_errors

CHUNK_ITEMS = 8_192
SHARD_BYTES = 64 << 20
PIECE_BYTES = 2 << 20
"""Size before compression of what is written at a time. Preparing holds a few of these for each array."""
CACHE_BYTES = 32 << 20
"""Chunks of all stores that a process keeps to read them again, decoded. Rows are read in random order: of a store that
is larger few chunks are read again while they are kept."""
READS_IN_FLIGHT = 64
DECODING_THREADS = 8

INDEX_ENTRY_BYTES = 16
"""Bytes of a chunk's position and size in the index at the end of a shard, each uint64."""
CHECKSUM_BYTES = 4
MISSING_CHUNK = 2**64 - 1
"""Position and size in the index of a chunk that the shard does not have."""

_RAW = {"name": "bytes", "configuration": {"endian": "little"}}
_CHECKSUM = {"name": "crc32c"}


class GrowingArray:
    """One-dimensional zarr3 array of unknown length, written piece by piece while the next piece is filled.

    tensorstore writes a shard at a time, and holds it in memory several times until it is written. So it only encodes
    pieces here, each as a small shard, and their chunks are appended to the file of the shard: the bytes are the same.
    """

    def __init__(
        self,
        folder: Path,
        dtype: str,
        chunk_items: int = CHUNK_ITEMS,
        shard_bytes: int = SHARD_BYTES,
        piece_bytes: int = PIECE_BYTES,
    ) -> None:
        """Create an empty array.

        Args:
            folder: folder to make.
            dtype: name of the items' dtype.
            chunk_items: items of a chunk; a shard has a whole number of chunks.
            shard_bytes: size of a shard before compression.
            piece_bytes: approximate size of a piece before compression.
        """
        self._folder = folder
        self._dtype = np.dtype(dtype)
        self._chunk, self._shard = chunk_items, shard_bytes // self._dtype.itemsize
        chunks = self._shard // chunk_items
        assert chunks * chunk_items == self._shard
        self._piece = math.gcd(chunks, max(piece_bytes // self._dtype.itemsize // chunk_items, 1)) * chunk_items
        self._buffer = np.empty(self._piece, self._dtype)
        self._filled = 0
        self._items = 0
        self._pending: _Encoding | None = None
        self._file: BinaryIO | None = None
        self._shards = 0
        self._index = np.empty((0, 2), np.uint64)
        self._hash = hashlib.blake2b(digest_size=16)
        specification = _new_array(_file(folder), self._dtype, [0], [self._shard], [_sharding(chunk_items)])
        with system_errors(folder):
            self._array = tensorstore.open(specification, create=True).result()

    def append(self, values: npt.NDArray[Any]) -> None:
        """Append values; each full piece is compressed in the background."""
        values = np.ascontiguousarray(values, self._dtype)
        self._hash.update(values.data)
        while len(values):
            free = self._piece - self._filled
            self._buffer[self._filled : self._filled + len(values)] = values[:free]
            self._filled += min(free, len(values))
            values = values[free:]
            if self._filled == self._piece:
                self._encode()

    def close(self) -> str:
        """Write the remaining values and return the hash of all values."""
        self._encode()
        self._write_pending()
        self._finish_shard()
        with system_errors(self._folder):
            self._array.resize(exclusive_max=[self._items]).result()
        return self._hash.hexdigest()

    def abandon(self) -> None:
        """Close the file that is being written, if there is one."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):  # what its buffer still holds is refused too
                file.close()

    def _encode(self) -> None:
        # At most one piece is in flight, so at most two are in memory: this one and the one that `append` fills.
        self._write_pending()
        if self._filled:
            chunks = -(-self._filled // self._chunk)
            self._pending = _Encoding(self._buffer[: self._filled], [chunks * self._chunk], [_sharding(self._chunk)])
            self._items += self._filled
            self._buffer = np.empty(self._piece, self._dtype)
            self._filled = 0

    def _write_pending(self) -> None:
        """Append the chunks of the pending piece to the shard's file, and where they are in it to the index."""
        pending, self._pending = self._pending, None
        if pending is None:
            return
        with system_errors(self._folder):
            content = pending.content()
        if self._file is None:
            path = self._folder / "c" / str(self._shards)
            path.parent.mkdir(exist_ok=True)
            self._file = path.open("wb")
        index_bytes = pending.chunks(self._chunk) * INDEX_ENTRY_BYTES + CHECKSUM_BYTES
        index = np.frombuffer(content[-index_bytes:-CHECKSUM_BYTES], "<u8").reshape(-1, 2)
        offset_and_bytes = index + np.array([self._file.tell(), 0], np.uint64)
        self._index = np.concatenate([self._index, offset_and_bytes])
        self._file.write(memoryview(content)[:-index_bytes])
        if len(self._index) * self._chunk == self._shard:
            self._finish_shard()

    def _finish_shard(self) -> None:
        """Write the index behind the chunks of the shard, and close its file when it is on the disk."""
        if self._file is None:
            return
        index = np.full((self._shard // self._chunk, 2), MISSING_CHUNK, np.uint64)
        index[: len(self._index)] = self._index
        self._file.write(_Encoding(index, list(index.shape), [_RAW, _CHECKSUM]).content())
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._file, self._index = None, self._index[:0]
        self._shards += 1


class _Encoding:
    """Values that tensorstore encodes in the background, in memory, as the only chunk of an array."""

    def __init__(
        self, values: npt.NDArray[Any], chunk_shape: Sequence[int], codecs: Sequence[Mapping[str, Any]]
    ) -> None:
        self._items = len(values)
        specification = _new_array({"driver": "memory"}, values.dtype, values.shape, chunk_shape, codecs)
        self._array = tensorstore.open(specification, context=tensorstore.Context(), create=True).result()
        self._written = self._array.write(values, can_reference_source_data_indefinitely=True).commit
        self._written.force()

    def chunks(self, chunk_items: int) -> int:
        """Return the number of chunks of so many items."""
        return -(-self._items // chunk_items)

    def content(self) -> bytes:
        """Return the encoded values, as soon as they are."""
        self._written.result()
        assert self._array.kvstore is not None
        return bytes(self._array.kvstore.read("/".join(["c", *("0" for _ in self._array.shape)])).result().value)


@functools.cache
def _context(cache_bytes: int) -> tensorstore.Context:
    """Return the cache and threads that all stores of this process share."""
    return tensorstore.Context(
        {
            "cache_pool": {"total_bytes_limit": cache_bytes},
            "file_io_concurrency": {"limit": READS_IN_FLIGHT},
            "data_copy_concurrency": {"limit": DECODING_THREADS},
        }
    )


def open_array(folder: Path, *, fill_missing: bool = False, cache_bytes: int = CACHE_BYTES) -> tensorstore.TensorStore:
    """Open an array for reading.

    Args:
        folder: the array's folder.
        fill_missing: whether a chunk or file that is missing is read as zeros; otherwise reading it is a ValueError.
        cache_bytes: size of the cache, which all arrays that are opened with this size share.

    Raises:
        ValueError: there is no readable array.
        OSError: reading failed, after several attempts.
    """
    specification = {
        "driver": "zarr3",
        "kvstore": _file(folder),
        "recheck_cached_data": "open",
        "recheck_cached_metadata": "open",
        "fill_missing_data_reads": fill_missing,
    }
    return retrying(
        lambda: tensorstore.open(specification, context=_context(cache_bytes), open=True, read=True).result(), folder
    )


def chunk_items_of(array: tensorstore.TensorStore) -> int:
    """Return the number of items of a chunk."""
    shape = array.chunk_layout.read_chunk.shape
    assert shape is not None and shape[0] is not None
    return shape[0]


def _file(folder: Path) -> dict[str, str]:
    return {"driver": "file", "path": f"{folder.absolute()}/"}


def _new_array(
    kvstore: Mapping[str, Any],
    dtype: np.dtype[Any],
    shape: Sequence[int],
    chunk_shape: Sequence[int],
    codecs: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return tensorstore's specification of a new array, whose files are chunks of `chunk_shape`."""
    return {
        "driver": "zarr3",
        "kvstore": kvstore,
        "store_data_equal_to_fill_value": True,
        "metadata": {
            "shape": list(shape),
            "data_type": dtype.name,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(chunk_shape)}},
            "codecs": list(codecs),
            "fill_value": 0,
        },
    }


def _sharding(chunk_items: int) -> dict[str, Any]:
    """Return the codec of a shard whose chunks have this many items."""
    compression = {"name": "zstd", "configuration": {"level": 1}}
    codecs = {"codecs": [_RAW, compression, _CHECKSUM], "index_codecs": [_RAW, _CHECKSUM]}
    return {"name": "sharding_indexed", "configuration": {"chunk_shape": [chunk_items], **codecs}}
