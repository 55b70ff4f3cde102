"""Token stores: the tokenized documents of one source as a folder of zarr3 arrays (sharded, zstd) and a `store.json`.

`tokens/` holds the documents one after the other. `offsets/` int64[N+1] is where each begins and ends, `digests/`
uint64[N] a hash of each text, `files/` int32[N] and `rows/` int64[N] its origin. A store of chats also has `learned/`
uint8, parallel to the tokens, with their weights in the loss (`loss_weights`). A reader ignores arrays that it does not
know.
"""

import dataclasses
import functools
import hashlib
import itertools
import json
import os
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import tensorstore

from tanuki_jax.base.atomic import FolderDraft, new_folder
from tanuki_jax.base.errors import InputError
from tanuki_jax.base.retries import retrying
from tanuki_jax.data.store_arrays import CHUNK_ITEMS, SHARD_BYTES, GrowingArray, chunk_items_of, open_array

type Tokens = npt.NDArray[np.unsignedinteger[Any]]

FORMAT = 1
FORMAT_OF_FRACTIONS = 2
"""Format of stores with weights between 0 and 1, which version 1 would read as others."""
DESCRIPTION = "store.json"
LARGEST_UINT16_VOCABULARY = 65_536
DOCUMENT_ARRAYS = {"offsets": "int64", "digests": "uint64", "files": "int32", "rows": "int64"}
LEARNED = {"learned": "uint8"}

MAPPED = ("offsets", "digests")
"""Arrays of which a large store has copies without compression in `plans/`, to be mapped into memory instead of read.
They may be deleted, and are then made again."""
MAPPED_FROM_DOCUMENTS = 100_000
"""Smaller stores have no copies."""
DECODED_ITEMS = 1 << 18
"""Items of an array that are copied at a time."""
READS_AT_ONCE = 128
"""Parts of an array that are requested at a time."""


@dataclasses.dataclass(frozen=True)
class Input:
    """File that documents were read from, as it was at that time."""

    path: str
    bytes: int
    """Size in bytes; 0 for documents that a program wrote."""
    modified: int = dataclasses.field(default=0, compare=False, repr=False)
    """Time of the last change in nanoseconds since 1970; 0: not known."""
    digest: str = dataclasses.field(default="", compare=False, repr=False)
    """BLAKE2b hash of the content; empty in stores of older versions, and for what is not on this machine."""


@dataclasses.dataclass(frozen=True)
class Origin:
    """Source, file and row of a document."""

    source: str
    path: str
    row: int
    """Line of a text file or row of a table, from 1."""


UNRECORDED: Mapping[str, object] = {"learn": "all", "too_long": "by_form", "fields": {}}
"""Settings that a store records only if they have other values than these, since older stores have none."""


def recorded(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings without those that a store does not record."""
    return {name: value for name, value in settings.items() if name not in UNRECORDED or value != UNRECORDED[name]}


class Store:
    """Committed token store, read-only. All methods may be called from any number of threads."""

    def __init__(self, folder: Path, description: Mapping[str, Any], mapped_from: int = MAPPED_FROM_DOCUMENTS) -> None:
        """Open the arrays that `description`, the content of `store.json`, lists. InputError if one differs from it.

        A store of `mapped_from` documents or more has copies of `MAPPED`.
        """
        self.folder = folder
        self._mapped_from = mapped_from
        self.name: str = description["source"]
        self.fingerprint: str = description["fingerprint"]
        self.tokenizer_fingerprint: str = description["tokenizer"]["fingerprint"]
        self.vocabulary: int = description["tokenizer"]["vocabulary"]
        self.tokens: int = description["tokens"]
        self.documents: int = description["documents"]
        self.documents_per_record: int = description.get("documents_per_record", 1)
        """Adjacent documents that stay together: those of a chosen, a rejected and perhaps a third answer."""
        self.has_learned: bool = description.get("has_learned", False)
        """Whether the store has weights of tokens; its documents are then not cut. Otherwise all tokens are learned."""
        self.inputs = tuple(Input(**entry) for entry in description["inputs"])
        self.settings: Mapping[str, Any] = description["settings"]
        self.statistics: Mapping[str, Any] = description["statistics"]
        items = {"tokens": self.tokens, "learned": self.tokens, "offsets": self.documents + 1}
        items |= dict.fromkeys(("digests", "files", "rows"), self.documents)
        types_of_arrays = {"tokens": description["dtype"], **DOCUMENT_ARRAYS, **(LEARNED if self.has_learned else {})}
        self._arrays = {name: _open_array(folder, name, dtype, items[name]) for name, dtype in types_of_arrays.items()}

    @classmethod
    def open(cls, folder: str | os.PathLike[str], mapped_from: int = MAPPED_FROM_DOCUMENTS) -> Self:
        """Open the store in `folder`. InputError if it is missing, incomplete or of another format version."""
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
        if version not in (FORMAT, FORMAT_OF_FRACTIONS):
            raise InputError(
                f"{path} is a token store of format {version}, this version reads formats {FORMAT} and "
                f"{FORMAT_OF_FRACTIONS}; delete it and prepare it again"
            )
        return cls(path, description, mapped_from)

    @functools.cached_property
    def offsets(self) -> npt.NDArray[np.int64]:
        """Return int64[N+1]: document n is the tokens from offsets[n] to offsets[n+1]."""
        offsets: npt.NDArray[np.int64] = self._of_all_documents("offsets")
        return offsets

    @functools.cached_property
    def digests(self) -> npt.NDArray[np.uint64]:
        """Return uint64[N]: a hash of each document's text, or of the prompt of documents that stay together."""
        digests: npt.NDArray[np.uint64] = self._of_all_documents("digests")
        return digests

    def _of_all_documents(self, name: str) -> npt.NDArray[Any]:
        """Read an array of `MAPPED`, or map the copy of a long one, which is made where the store may be written."""
        copies = self.folder / "plans" / f"documents-{self.fingerprint}"
        has_copies = copies.is_dir() or os.access(self.folder, os.W_OK)
        if self.documents < self._mapped_from or not has_copies:
            return self._blocks(name, [slice(None)])[0]
        if not copies.is_dir():
            with new_folder(copies, concurrent=True) as draft:
                for each in MAPPED:
                    self._decode(each, draft / f"{each}.npy")
        return np.load(copies / f"{name}.npy", mmap_mode="r").view(np.ndarray)

    def _decode(self, name: str, path: Path) -> None:
        """Write a copy of an array as a file of NumPy, block by block."""
        array = open_array(self.folder / name, cache_bytes=0)
        with path.open("wb") as file:
            description = {"descr": array.dtype.numpy_dtype.str, "fortran_order": False, "shape": array.shape}
            np.lib.format.write_array_header_1_0(file, description)
            for first in range(0, array.shape[0], DECODED_ITEMS):
                block = slice(first, min(first + DECODED_ITEMS, array.shape[0]))
                file.write(self._blocks(name, [block], array)[0].data)

    def read(self, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> Tokens:
        """Read several spans of tokens, all at once, and return them one after the other in the store's dtype.

        Args:
            starts: int64[n], position of each span's first token in the store.
            lengths: int64[n], tokens in each span; the spans may overlap and be in any order.

        Raises:
            InputError: the data on disk does not match its checksum.
            OSError: reading failed, after several attempts.
        """
        return self._spans("tokens", starts, lengths)

    def read_learned(self, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """Return the code of each token's weight as a target (`loss_weights`): 1 where it is learned, 0 where not.

        Arguments and errors are those of `read`.
        """
        return self._spans("learned", starts, lengths) if self.has_learned else np.ones(int(lengths.sum()), np.uint8)

    def _spans(self, name: str, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        array = self._arrays[name]
        spans = np.empty(int(lengths.sum()), array.dtype.numpy_dtype)
        if not spans.size:
            return spans
        chunk_items = chunk_items_of(array)
        # Spans that touch the same chunk are read as one block, so that no chunk is decoded twice. In the order of
        # their starts, a span opens a new block if its first chunk is behind the last chunk of all spans before it.
        order = np.argsort(starts, kind="stable")
        begins = starts[order]
        reach = np.maximum.accumulate(begins + lengths[order])
        opens = np.concatenate(([True], begins[1:] // chunk_items > (reach[:-1] - 1) // chunk_items))
        first = np.flatnonzero(opens)
        block_begins = begins[first]
        block_ends = reach[np.append(first[1:], len(starts)) - 1]
        blocks = self._blocks(name, [*map(slice, block_begins.tolist(), block_ends.tolist())])
        block_of = np.cumsum(opens) - 1
        positions = (np.cumsum(lengths) - lengths)[order]
        columns = (block_of, begins - block_begins[block_of], lengths[order], positions)
        for block, start, length, position in zip(*(column.tolist() for column in columns), strict=True):
            spans[position : position + length] = blocks[block][start : start + length]
        return spans

    def origin(self, document: int) -> Origin:
        """Return the origin of a document, numbered from 0."""
        file, row = (int(self._blocks(name, [slice(document, document + 1)])[0][0]) for name in ("files", "rows"))
        return Origin(self.name, self.inputs[file].path, row)

    def _blocks(
        self, name: str, parts: Sequence[slice], array: tensorstore.TensorStore | None = None
    ) -> list[npt.NDArray[Any]]:
        """Read parts of an array, by `array` if it is given.

        Parts read before a failure are in the cache, so a retry reads only the others.
        """
        opened = array or self._arrays[name]

        def read() -> list[npt.NDArray[Any]]:
            blocks: list[npt.NDArray[Any]] = []
            for some in itertools.batched(parts, READS_AT_ONCE):  # a chunk is in memory while a part of it is read
                pending = [opened[part].read() for part in some]
                blocks += [future.result() for future in pending]
            return blocks

        try:
            return retrying(read, self.folder / name)
        except ValueError as error:
            raise InputError(
                f"the token store {self.folder} is damaged ({error}); delete it and prepare it again"
            ) from None


class StoreWriter:
    """Writer of a store, front to back. `folder` appears on `commit`; a `with` block without it leaves nothing."""

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
        chunk_items: int = CHUNK_ITEMS,
        shard_bytes: int = SHARD_BYTES,
        drafts: Path | None = None,
    ) -> None:
        """Begin a store.

        Args:
            folder: folder to make.
            source: name of the store's source.
            tokenizer_fingerprint: `Tokenizer.fingerprint`.
            vocabulary: number of ids; it determines the dtype of the tokens.
            inputs: files of the source.
            settings: other data that determined the documents, as JSON values.
            has_learned: whether the store has weights of tokens.
            documents_per_record: adjacent documents that stay together; above 1 only with `has_learned`.
            chunk_items: items of a chunk, which is compressed and read as one.
            shard_bytes: size before compression of a shard, which is written as one file.
            drafts: folder in which the store is written, if several processes may write it at once: the first to
                commit makes it. None: this one is alone.

        Raises:
            InputError: `folder` exists and this process is alone.
        """
        assert has_learned or documents_per_record == 1
        self.folder = Path(folder)
        if drafts is None and self.folder.exists():
            raise InputError(f"{self.folder} exists already; delete it to prepare it again")
        self.dtype = dtype_of(vocabulary)
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
        # Absent in stores of texts, so that their descriptions and fingerprints are those of the first version.
        self._form = {"has_learned": True, "documents_per_record": documents_per_record} if has_learned else {}
        self._description |= self._form
        self._draft = FolderDraft(self.folder, concurrent=drafts is not None, within=drafts)
        arrays = {"tokens": self.dtype.name, **DOCUMENT_ARRAYS, **(LEARNED if has_learned else {})}
        self._arrays = {
            name: GrowingArray(self._draft.path / name, dtype, chunk_items, shard_bytes)
            for name, dtype in arrays.items()
        }
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
        """Append n documents.

        Args:
            tokens: tokens of all documents, one after the other.
            lengths: int64[n], tokens of each document.
            digests: uint64[n], hash of each text.
            files: int32[n], index in `inputs` of each document's file.
            rows: int64[n], its line or row in the file, from 1.
            learned: parallel to `tokens`, codes of their weights as targets; only if the store has weights.
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
        if learned is not None and (learned > 1).any():
            self._description["format"] = FORMAT_OF_FRACTIONS
        self.tokens += len(tokens)
        self.documents += len(lengths)

    def commit(self, statistics: Mapping[str, Any]) -> Store:
        """Finish the arrays, write `store.json` with `statistics` (JSON values), and move the draft to `folder`."""
        hashes = {name: array.close() for name, array in self._arrays.items()}
        content = [self._description["tokenizer"], hashes, *([self._form] if self._form else [])]
        fingerprint = hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16)
        description = self._description | {
            "tokens": self.tokens,
            "documents": self.documents,
            "statistics": statistics,
            "fingerprint": fingerprint.hexdigest(),
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


def dtype_of(vocabulary: int) -> np.dtype[np.unsignedinteger[Any]]:
    """Return the dtype of the tokens of a vocabulary."""
    return np.dtype(np.uint16 if vocabulary <= LARGEST_UINT16_VOCABULARY else np.uint32)


def _open_array(folder: Path, name: str, dtype: str, items: int) -> tensorstore.TensorStore:
    """Open an array of the store in `folder`. InputError if it is missing or has another shape or dtype."""
    try:
        # `files` is written sparsely in old stores: there is no chunk of it where all documents are of the first file.
        array = open_array(folder / name, fill_missing=name == "files")
    except ValueError as error:
        raise InputError(
            f"the token store {folder} has no readable {name} ({error}); delete it and prepare it again"
        ) from None
    if array.shape != (items,) or array.dtype.name != dtype:
        raise InputError(
            f"{folder / name} is {array.dtype.name}[{array.shape[0]}], where {DESCRIPTION} says {dtype}[{items}]; "
            f"delete {folder} and prepare it again"
        )
    return array
