"""Tokenized documents of one source on disk: a folder of zarr3 arrays (sharded, zstd) beside a `store.json` that describes them.

`tokens/` holds the documents one after the other, `offsets/` int64[N+1] where each begins and ends, `digests/` uint64[N] a hash of
each text, `files/` int32[N] and `rows/` int64[N] where it came from. A store of chats has `learned/` uint8, parallel to the tokens.
Further arrays may lie parallel to these; a reader ignores those that it does not know.
"""

import contextlib
import dataclasses
import functools
import hashlib
import json
import os
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import tensorstore

from tanuki_jax.base.atomic import FolderDraft
from tanuki_jax.base.errors import InputError
from tanuki_jax.base.retries import retrying, system_errors

type Tokens = npt.NDArray[np.unsignedinteger[Any]]

FORMAT = 1
DESCRIPTION = "store.json"
CHUNK_ITEMS = 8_192
SHARD_BYTES = 64 << 20
CACHE_BYTES = 1 << 30
READS_IN_FLIGHT = 64
DECODING_THREADS = 8
LARGEST_UINT16_VOCABULARY = 65_536
DOCUMENT_ARRAYS = {"offsets": "int64", "digests": "uint64", "files": "int32", "rows": "int64"}
LEARNED = {"learned": "uint8"}


@dataclasses.dataclass(frozen=True)
class Input:
    """A file that documents were read from, and its size in bytes when it was read (0 for documents that a program wrote)."""

    path: str
    bytes: int


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where a document came from."""

    source: str
    path: str
    row: int
    """Line of a text file or row of a table, from 1."""


class Store:
    """A committed token store, read-only. All methods may be called from any number of threads."""

    def __init__(self, folder: Path, description: Mapping[str, Any]) -> None:
        self.folder = folder
        self.name: str = description["source"]
        self.fingerprint: str = description["fingerprint"]
        self.tokenizer_fingerprint: str = description["tokenizer"]["fingerprint"]
        self.vocabulary: int = description["tokenizer"]["vocabulary"]
        self.tokens: int = description["tokens"]
        self.documents: int = description["documents"]
        self.documents_per_record: int = description.get("documents_per_record", 1)
        """Documents that follow each other and stay together: a chosen answer's, a rejected one's, and perhaps a third one's."""
        self.has_learned: bool = description.get("has_learned", False)
        """Whether the store tells which tokens are learned; its documents are never cut. Without it all are."""
        self.inputs = tuple(Input(**entry) for entry in description["inputs"])
        self.settings: Mapping[str, Any] = description["settings"]
        self.statistics: Mapping[str, Any] = description["statistics"]
        items = {"tokens": self.tokens, "learned": self.tokens, "offsets": self.documents + 1}
        items |= dict.fromkeys(("digests", "files", "rows"), self.documents)
        types_of_arrays = {"tokens": description["dtype"], **DOCUMENT_ARRAYS, **(LEARNED if self.has_learned else {})}
        self._arrays = {name: _open_array(folder, name, dtype, items[name]) for name, dtype in types_of_arrays.items()}

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Self:
        """The store in `folder`. InputError if there is none, or it is incomplete or of another format version."""
        path = Path(folder)
        if not (path / DESCRIPTION).is_file():
            raise InputError(
                f"there is no token store at {path} ({DESCRIPTION} is missing); `python -m tanuki_jax.prepare` makes it"
            )
        try:
            description = json.loads(
                retrying(lambda: (path / DESCRIPTION).read_text(encoding="utf-8"), path / DESCRIPTION)
            )
            version = description["format"]
        except (ValueError, KeyError, TypeError):
            raise InputError(f"{path / DESCRIPTION} is damaged; delete {path} and prepare it again") from None
        if version != FORMAT:
            raise InputError(
                f"{path} is a token store of format {version}, this version reads format {FORMAT}; delete it and prepare it again"
            )
        return cls(path, description)

    @functools.cached_property
    def offsets(self) -> npt.NDArray[np.int64]:
        """int64[N+1]: document n is the tokens from offsets[n] to offsets[n+1]."""
        offsets: npt.NDArray[np.int64] = self._blocks("offsets", [slice(None)])[0]
        return offsets

    @functools.cached_property
    def digests(self) -> npt.NDArray[np.uint64]:
        """uint64[N]: a hash of each document's text, equal for equal texts; of documents that stay together, of their prompt."""
        digests: npt.NDArray[np.uint64] = self._blocks("digests", [slice(None)])[0]
        return digests

    def read(self, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> Tokens:
        """The tokens of several spans, one after the other, in the store's own type. All reads are in flight at once.

        Args:
            starts: int64[n], position of each span's first token in the store.
            lengths: int64[n], tokens in each span; the spans may overlap and come in any order.

        Raises:
            InputError: if what is on disk does not fit its checksum.
            OSError: if it could not be read, however often it was tried.
        """
        return self._spans("tokens", starts, lengths)

    def read_learned(self, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """As `read`: 1 for each token that is learned where it is the target, else 0."""
        return self._spans("learned", starts, lengths) if self.has_learned else np.ones(int(lengths.sum()), np.uint8)

    def _spans(self, name: str, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        array = self._arrays[name]
        spans = np.empty(int(lengths.sum()), array.dtype.numpy_dtype)
        if not spans.size:
            return spans
        order = np.argsort(starts, kind="stable")
        begins = starts[order]
        reach = np.maximum.accumulate(begins + lengths[order])
        # Spans that touch the same chunk are read together, so that no chunk is decoded twice.
        opens = np.concatenate(([True], begins[1:] // CHUNK_ITEMS > (reach[:-1] - 1) // CHUNK_ITEMS))
        first = np.flatnonzero(opens)
        block_begins = begins[first]
        block_ends = reach[np.append(first[1:], len(starts)) - 1]
        blocks = self._blocks(name, [*map(slice, block_begins.tolist(), block_ends.tolist())])
        block_of = np.cumsum(opens) - 1
        places = (np.cumsum(lengths) - lengths)[order]
        columns = (block_of, begins - block_begins[block_of], lengths[order], places)
        for block, start, length, place in zip(*(column.tolist() for column in columns), strict=True):
            spans[place : place + length] = blocks[block][start : start + length]
        return spans

    def origin(self, document: int) -> Origin:
        """Where the document of that number (from 0) came from."""
        file, row = (int(self._blocks(name, [slice(document, document + 1)])[0][0]) for name in ("files", "rows"))
        return Origin(self.name, self.inputs[file].path, row)

    def _blocks(self, name: str, parts: Sequence[slice]) -> list[npt.NDArray[Any]]:
        """Parts of an array. What was read before a failure is in the cache, so that trying again reads only the rest."""

        def read() -> list[npt.NDArray[Any]]:
            pending = [self._arrays[name][part].read() for part in parts]
            return [future.result() for future in pending]

        try:
            return retrying(read, self.folder / name)
        except ValueError as error:
            raise InputError(
                f"the token store {self.folder} is damaged ({error}); delete it and prepare it again"
            ) from None


class StoreWriter:
    """Writes a store front to back. Nothing is at `folder` until `commit`; leaving the `with` block without it leaves nothing behind."""

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        source: str,
        tokenizer_fingerprint: str,
        vocabulary: int,
        inputs: Sequence[Input],
        settings: Mapping[str, Any],
        has_learned: bool = False,
        documents_per_record: int = 1,
    ) -> None:
        """InputError if something is at `folder` already. `settings` is what besides the inputs determined the documents, kept as JSON."""
        assert has_learned or documents_per_record == 1
        self.folder = Path(folder)
        if self.folder.exists():
            raise InputError(f"{self.folder} exists already; delete it to prepare it again")
        self.dtype = np.dtype(np.uint16 if vocabulary <= LARGEST_UINT16_VOCABULARY else np.uint32)
        self.tokens = 0
        self.documents = 0
        self._description = {
            "format": FORMAT,
            "source": source,
            "tokenizer": {"fingerprint": tokenizer_fingerprint, "vocabulary": vocabulary},
            "dtype": self.dtype.name,
            "inputs": [dataclasses.asdict(entry) for entry in inputs],
            "settings": settings,
        }
        # Stores of texts are what they were before there were others.
        self._form = {"has_learned": True, "documents_per_record": documents_per_record} if has_learned else {}
        self._description |= self._form
        self._draft = FolderDraft(self.folder)
        arrays = {"tokens": self.dtype.name, **DOCUMENT_ARRAYS, **(LEARNED if has_learned else {})}
        self._arrays = {name: _GrowingArray(self._draft.path / name, dtype) for name, dtype in arrays.items()}
        self._arrays["offsets"].append(np.zeros(1, np.int64))

    def append(
        self,
        tokens: Tokens,
        lengths: npt.NDArray[np.int64],
        digests: npt.NDArray[np.uint64],
        files: npt.NDArray[np.int32],
        rows: npt.NDArray[np.int64],
        learned: npt.NDArray[np.uint8] | None = None,
    ) -> None:
        """Adds n documents after those that are there.

        Args:
            tokens: the documents' tokens, one after the other.
            lengths: int64[n], tokens of each document.
            digests: uint64[n], a hash of each text.
            files: int32[n], which of `inputs` each came from.
            rows: int64[n], its line or row there, from 1.
            learned: parallel to `tokens`, 1 for each that is learned where it is the target; only for a store that has it.
        """
        assert len(tokens) == lengths.sum() and len(lengths) == len(digests) == len(files) == len(rows)
        assert (learned is not None) == ("learned" in self._arrays) and (learned is None or len(learned) == len(tokens))
        offsets = self.tokens + np.cumsum(lengths, dtype=np.int64)
        new = {
            "tokens": tokens,
            "offsets": offsets,
            "digests": digests,
            "files": files,
            "rows": rows,
            "learned": learned,
        }
        for name, values in new.items():
            if values is not None:
                self._arrays[name].append(values)
        self.tokens += len(tokens)
        self.documents += len(lengths)

    def commit(self, statistics: Mapping[str, Any]) -> Store:
        """Finishes the arrays, writes `store.json` and moves the whole to `folder`. `statistics` is kept as JSON."""
        hashes = {name: array.close() for name, array in self._arrays.items()}
        content = [self._description["tokenizer"], hashes, *([self._form] if self._form else [])]
        whole = hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16)
        description = self._description | {
            "tokens": self.tokens,
            "documents": self.documents,
            "statistics": statistics,
            "fingerprint": whole.hexdigest(),
        }
        with open(self._draft.path / DESCRIPTION, "w", encoding="utf-8") as file:
            json.dump(description, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        self._draft.commit()
        return Store.open(self.folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        for array in self._arrays.values():
            array.abandon()
        self._draft.discard()


class _GrowingArray:
    """A one-dimensional zarr3 array that is written one whole shard at a time."""

    def __init__(self, folder: Path, dtype: str) -> None:
        self._folder = folder
        self._dtype = np.dtype(dtype)
        self._shard = SHARD_BYTES // self._dtype.itemsize
        self._buffer = np.empty(self._shard, self._dtype)
        self._filled = 0
        self._written = 0
        self._pending: tensorstore.Future[None] | None = None
        self._hash = hashlib.blake2b(digest_size=16)
        with system_errors(folder):
            self._array = tensorstore.open(
                _new_array(folder, self._dtype, self._shard), context=_context(), create=True
            ).result()

    def append(self, values: npt.NDArray[Any]) -> None:
        values = np.ascontiguousarray(values, self._dtype)
        self._hash.update(values.data)
        while len(values):
            room = self._shard - self._filled
            self._buffer[self._filled : self._filled + len(values)] = values[:room]
            self._filled += min(room, len(values))
            values = values[room:]
            if self._filled == self._shard:
                self._write()

    def close(self) -> str:
        """Writes what is left; the hash of all values."""
        self._write()
        self._finish_pending()
        return self._hash.hexdigest()

    def abandon(self) -> None:
        """Waits until nothing more is being written, whether or not it can be."""
        with contextlib.suppress(OSError, ValueError):
            self._finish_pending()

    def _write(self) -> None:
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
def _context() -> tensorstore.Context:
    """One cache and one set of threads for all stores of this process."""
    return tensorstore.Context(
        {
            "cache_pool": {"total_bytes_limit": CACHE_BYTES},
            "file_io_concurrency": {"limit": READS_IN_FLIGHT},
            "data_copy_concurrency": {"limit": DECODING_THREADS},
        }
    )


def _open_array(folder: Path, name: str, dtype: str, items: int) -> tensorstore.TensorStore:
    specification = {
        "driver": "zarr3",
        "kvstore": _file(folder / name),
        "recheck_cached_data": "open",
        "recheck_cached_metadata": "open",
        # A file that is lost would be read as zeros. Of `files`, stores made before this was said have none for zeros.
        "fill_missing_data_reads": name == "files",
    }
    try:
        array = retrying(
            lambda: tensorstore.open(specification, context=_context(), open=True, read=True).result(), folder / name
        )
    except ValueError as error:
        raise InputError(
            f"the token store {folder} has no readable {name} ({error}); delete it and prepare it again"
        ) from None
    if array.shape != (items,) or array.dtype.name != dtype:
        found = f"{array.dtype.name}[{array.shape[0]}]"
        raise InputError(
            f"{folder / name} is {found}, where {DESCRIPTION} says {dtype}[{items}]; delete {folder} and prepare it again"
        )
    return array


def _file(folder: Path) -> dict[str, str]:
    return {"driver": "file", "path": f"{folder.absolute()}/"}


def _new_array(folder: Path, dtype: np.dtype[Any], shard: int) -> dict[str, Any]:
    raw = {"name": "bytes", "configuration": {"endian": "little"}}
    checksum = {"name": "crc32c"}
    compression = {"name": "zstd", "configuration": {"level": 1}}
    sharding = {"chunk_shape": [CHUNK_ITEMS], "codecs": [raw, compression, checksum], "index_codecs": [raw, checksum]}
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
