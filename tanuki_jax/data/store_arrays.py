"""One-dimensional zarr3 arrays, the files of a token store: written front to back, read in parts.

An array is a sequence of shards, each of which is one file. A shard is a sequence of chunks, the smallest part that can
be read; it is compressed and has a checksum. Small chunks make random reads cheap, large shards keep the files few.
"""

import contextlib
import functools
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorstore

from tanuki_jax.base.retries import retrying, system_errors

CHUNK_ITEMS = 8_192
SHARD_BYTES = 64 << 20
CACHE_BYTES = 1 << 30
"""Chunks of all stores that a process keeps to read them again, decoded."""
WRITTEN_CACHE_BYTES = 64 << 20
"""Chunks that a process keeps of what it writes, and reads no more."""
READS_IN_FLIGHT = 64
DECODING_THREADS = 8


class GrowingArray:
    """One-dimensional zarr3 array of unknown length, written shard by shard while the next shard is filled."""

    def __init__(
        self, folder: Path, dtype: str, chunk_items: int = CHUNK_ITEMS, shard_bytes: int = SHARD_BYTES
    ) -> None:
        """Create an empty array; `shard_bytes` is the size of a shard before compression."""
        self._folder = folder
        self._dtype = np.dtype(dtype)
        self._shard = shard_bytes // self._dtype.itemsize
        self._buffer = np.empty(self._shard, self._dtype)
        self._filled = 0
        self._written = 0
        self._pending: tensorstore.Future[None] | None = None
        self._hash = hashlib.blake2b(digest_size=16)
        with system_errors(folder):
            self._array = tensorstore.open(
                _new_array(folder, self._dtype, self._shard, chunk_items),
                context=_context(WRITTEN_CACHE_BYTES),
                create=True,
            ).result()

    def append(self, values: npt.NDArray[Any]) -> None:
        """Append values; each full shard is written in the background."""
        values = np.ascontiguousarray(values, self._dtype)
        self._hash.update(values.data)
        while len(values):
            free = self._shard - self._filled
            self._buffer[self._filled : self._filled + len(values)] = values[:free]
            self._filled += min(free, len(values))
            values = values[free:]
            if self._filled == self._shard:
                self._write()

    def close(self) -> str:
        """Write the remaining values and return the hash of all values."""
        self._write()
        self._finish_pending()
        return self._hash.hexdigest()

    def abandon(self) -> None:
        """Wait until the pending write has ended, with or without an error."""
        with contextlib.suppress(OSError, ValueError):
            self._finish_pending()

    def _write(self) -> None:
        # At most one shard is in flight, so at most two are in memory: this one and the one that `append` fills.
        self._finish_pending()
        end = self._written + self._filled
        with system_errors(self._folder):
            self._array = self._array.resize(exclusive_max=[end]).result()
            self._pending = self._array[self._written : end].write(self._buffer[: self._filled]).commit
        self._buffer = np.empty(self._shard, self._dtype)
        self._written, self._filled = end, 0

    def _finish_pending(self) -> None:
        pending, self._pending = self._pending, None
        if pending is not None:
            with system_errors(self._folder):
                pending.result()


@functools.cache
def _context(cache_bytes: int) -> tensorstore.Context:
    """Return the cache and threads that all stores of this process share, to read or to write."""
    return tensorstore.Context(
        {
            "cache_pool": {"total_bytes_limit": cache_bytes},
            "file_io_concurrency": {"limit": READS_IN_FLIGHT},
            "data_copy_concurrency": {"limit": DECODING_THREADS},
        }
    )


def open_array(folder: Path, *, fill_missing: bool = False) -> tensorstore.TensorStore:
    """Open an array for reading.

    Args:
        folder: the array's folder.
        fill_missing: whether a chunk or file that is missing is read as zeros; otherwise reading it is a ValueError.

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
        lambda: tensorstore.open(specification, context=_context(CACHE_BYTES), open=True, read=True).result(), folder
    )


def chunk_items_of(array: tensorstore.TensorStore) -> int:
    """Return the number of items of a chunk."""
    shape = array.chunk_layout.read_chunk.shape
    assert shape is not None and shape[0] is not None
    return shape[0]


def _file(folder: Path) -> dict[str, str]:
    return {"driver": "file", "path": f"{folder.absolute()}/"}


def _new_array(folder: Path, dtype: np.dtype[Any], shard: int, chunk_items: int) -> dict[str, Any]:
    """Return tensorstore's specification of an empty array whose shards and chunks have this many items."""
    raw = {"name": "bytes", "configuration": {"endian": "little"}}
    checksum = {"name": "crc32c"}
    compression = {"name": "zstd", "configuration": {"level": 1}}
    sharding = {"chunk_shape": [chunk_items], "codecs": [raw, compression, checksum], "index_codecs": [raw, checksum]}
    return {
        "driver": "zarr3",
        "kvstore": _file(folder),
        "store_data_equal_to_fill_value": True,
        "metadata": {
            "shape": [0],
            "data_type": dtype.name,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [shard]}},
            "codecs": [{"name": "sharding_indexed", "configuration": sharding}],
            "fill_value": 0,
        },
    }
