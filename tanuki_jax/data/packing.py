"""Which part of which document lies in which row: documents are cut into pieces of at most T tokens and packed best-fit decreasing.

A document of m tokens, its end-of-document token included, gives m - 1 predictions and takes m - 1 places: the last token is only
ever a target. Documents that are learned in part (chats) are not cut, and those of one record (a pair of answers) lie in one row, next to
each other. A plan holds one epoch of a store.
"""

import contextlib
import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.atomic import new_folder
from tanuki_jax.config.experiment import Data

VERSION = 1
"""Of the packer: a change of it changes every plan."""
KEPT_FROM_PIECES = 100_000
"""Smaller plans are not written to disk: making them again is quick, and small stores have many epochs."""

type Integers = npt.NDArray[np.int64]
type Side = Literal["train", "held_out"]


class Documents(Protocol):
    """What the packer needs to know of a token store (`tanuki_jax.data.store.Store`)."""

    @property
    def fingerprint(self) -> str: ...
    @property
    def digests(self) -> npt.NDArray[np.uint64]: ...
    @property
    def offsets(self) -> Integers: ...
    @property
    def has_learned(self) -> bool: ...
    @property
    def documents_per_record(self) -> int: ...


class Spans(NamedTuple):
    """Pieces in the order in which they lie in their rows."""

    row_sizes: Integers
    """int64[rows], pieces in each row."""
    documents: Integers
    """int64[pieces], number of the document in the store."""
    starts: Integers
    """int64[pieces], first input token within the document."""
    lengths: Integers
    """int64[pieces], inputs; the last one's target is the token after the piece."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """What a plan depends on beside the store."""

    sequence_length: int
    window_documents: int
    held_out_share: float
    split: Side
    seed: int
    epoch: int

    @classmethod
    def of(cls, data: Data, split: Side, seed: int, epoch: int) -> Self:
        """Those that a config gives for one side of an epoch."""
        return cls(
            sequence_length=data.sequence_length,
            window_documents=data.window_documents,
            held_out_share=data.held_out_share,
            split=split,
            seed=seed,
            epoch=epoch,
        )


class Plan:
    """The rows of one epoch of a store, in random access."""

    def __init__(
        self, row_offsets: Integers, documents: Integers, starts: Integers, lengths: npt.NDArray[np.int32]
    ) -> None:
        """Takes int64[R+1], where each row's pieces begin, and the pieces' int64[S], int64[S] and int32[S]."""
        self._row_offsets, self._documents, self._starts, self._lengths = row_offsets, documents, starts, lengths
        self.rows = len(row_offsets) - 1

    def spans(self, rows: Integers) -> Spans:
        """The pieces of the given rows."""
        first = self._row_offsets[rows]
        sizes = self._row_offsets[rows + 1] - first
        pieces = np.repeat(first, sizes) + ranges(sizes)
        return Spans(sizes, self._documents[pieces], self._starts[pieces], self._lengths[pieces].astype(np.int64))


def ranges(sizes: Integers) -> Integers:
    """0 .. sizes[0]-1, 0 .. sizes[1]-1, and so on, in one array."""
    return np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)


def in_split(store: Documents, settings: Settings) -> Integers:
    """Numbers of the split's documents that hold a prediction, ascending; those of a record are on one side, as they have one hash.

    The hash of a text decides, so equal texts are on one side. The training side gets at least one text, and the held-out side too
    if its share is above 0 and there are two.
    """
    usable = np.flatnonzero(np.diff(store.offsets) > 1)
    draws = _mixed(store.digests[usable])
    held_out = draws < np.uint64(min(int(settings.held_out_share * 2**64), 2**64 - 1))
    if len(draws):
        held_out[draws == draws.min()] = settings.held_out_share > 0
        held_out[draws == draws.max()] = False
    return usable[held_out if settings.split == "held_out" else ~held_out]


def best_fit(lengths: Integers, sequence_length: int) -> tuple[Integers, int]:
    """Packs items of 1 to T tokens into rows of T: the longest first, each into the fullest row that has room for it.

    All items of one length go in one turn over ranges of equally full rows, so the time depends on the number of distinct lengths
    and hardly on that of items (compare histogram packing, Krell et al. 2021, arXiv:2107.02027).

    Returns: the row of each item, and the number of rows.
    """
    key = (sequence_length - lengths).astype(np.uint16 if sequence_length < 2**16 else np.uint32)
    counts = np.bincount(lengths, minlength=sequence_length + 1)
    turns, rows = _best_fit_turns(counts, sequence_length)
    first, taken, each = np.array(turns, np.int64).reshape(-1, 3).T
    row_of_packed = np.repeat(np.repeat(first, taken) + ranges(taken), np.repeat(each, taken))
    row_of = np.empty(len(lengths), np.int64)
    row_of[np.argsort(key, kind="stable")] = row_of_packed
    return row_of, rows


def _best_fit_turns(counts: Integers, sequence_length: int) -> tuple[list[tuple[int, int, int]], int]:
    """Turns (first row, rows, items in each of them) that take the items from long to short, and the number of rows."""
    turns: list[tuple[int, int, int]] = []
    with_room: list[list[tuple[int, int]]] = [
        [] for _ in range(sequence_length + 1)
    ]  # room -> ranges (first row, rows)
    rooms = 0  # bit r is set if with_room[r] is not empty
    rows = 0

    def leave(room: int, first: int, count: int) -> None:
        nonlocal rooms
        if room and count:
            with_room[room].append((first, count))
            rooms |= 1 << room

    for length in np.flatnonzero(counts)[::-1].tolist():
        items = int(counts[length])
        while items:
            if enough := rooms >> length:
                room = length + (enough & -enough).bit_length() - 1
                first, available = with_room[room].pop()
                if not with_room[room]:
                    rooms ^= 1 << room
            else:
                room, first, available = sequence_length, rows, -(-items // (sequence_length // length))
                rows += available
            # A row that took an item and still has room for another is now the fullest that has: it takes all that it can.
            each = room // length
            filled = min(items // each, available)
            rest = items - filled * each if filled < available else 0
            if filled:
                turns.append((first, filled, each))
                leave(room - each * length, first, filled)
            if rest:
                turns.append((first + filled, 1, rest))
                leave(room - rest * length, first + filled, 1)
            kept = filled + (rest > 0)
            leave(room, first + kept, available - kept)
            items -= filled * each + rest
    return turns, rows


def pack(documents: Integers, sizes: Integers, sequence_length: int, purpose: tuple[object, ...]) -> Spans:
    """Packs whole documents; rows, and pieces within a row, lie in random order.

    Args:
        documents: int64[n], their numbers.
        sizes: int64[n], their tokens, end-of-document token included, at least 2.
        sequence_length: T.
        purpose: what the random order is derived from.
    """
    order = _shuffle(len(documents), (*purpose, "documents"))
    documents, predictions = documents[order], sizes[order] - 1
    pieces = -(-predictions // sequence_length)
    starts = ranges(pieces) * sequence_length
    lengths = np.minimum(np.repeat(predictions, pieces) - starts, sequence_length)
    row_of, rows = best_fit(lengths, sequence_length)
    place = _shuffle(rows, (*purpose, "rows"))[row_of]
    within_row = _draws(len(lengths), (*purpose, "within row")) >> np.uint64(32)
    lie = np.argsort(place.astype(np.uint64) << np.uint64(32) | within_row, kind="stable")
    return Spans(np.bincount(place, minlength=rows), np.repeat(documents, pieces)[lie], starts[lie], lengths[lie])


def windows(store: Documents, settings: Settings) -> Iterator[Spans]:
    """Packs a store window by window.

    The windows hold the same records in every epoch, in another order, so that all epochs have the same number of rows.
    """
    per_record = store.documents_per_record
    records = in_split(store, settings)[::per_record] // per_record
    sizes = record_sizes(store)
    assert not store.has_learned or (sizes[records] <= settings.sequence_length + 1).all()
    count = -(-len(records) // settings.window_documents)
    run = (VERSION, store.fingerprint, settings.seed, settings.split)
    if count > 1:
        records = records[_shuffle(len(records), (*run, "windows"))]
    parts = np.array_split(records, count) if count else []
    for window in _shuffle(count, (*run, settings.epoch, "order of windows")).tolist():
        chosen = parts[window]
        spans = pack(chosen, sizes[chosen], settings.sequence_length, (*run, settings.epoch, window))
        yield spans if per_record == 1 else _documents_of(spans, store)


def record_sizes(store: Documents) -> Integers:
    """int64[records], tokens of each record if its documents were one: the places that they take, and one."""
    predictions = np.diff(store.offsets) - 1
    return predictions.reshape(-1, store.documents_per_record).sum(-1) + 1


def _documents_of(spans: Spans, store: Documents) -> Spans:
    """The documents in the places of their records."""
    numbers = np.arange(store.documents_per_record)
    documents = (spans.documents[:, None] * len(numbers) + numbers).reshape(-1)
    lengths = store.offsets[documents + 1] - store.offsets[documents] - 1
    return Spans(spans.row_sizes * len(numbers), documents, np.zeros_like(documents), lengths)


def plan(store: Documents, settings: Settings, folder: Path) -> Plan:
    """The plan of one epoch of a store, kept in `folder`/KEY if it is large. What is kept may be deleted: it is made again."""
    if len(store.digests) + store.offsets[-1] // settings.sequence_length < KEPT_FROM_PIECES:
        spans = [*windows(store, settings)] or [Spans(*(np.empty(0, np.int64) for _ in Spans._fields))]
        row_sizes, documents, starts, lengths = (np.concatenate(parts) for parts in zip(*spans, strict=True))
        return Plan(_row_offsets(row_sizes), documents, starts, lengths.astype(np.int32))
    key = hashlib.blake2b(repr((VERSION, store.fingerprint, settings)).encode(), digest_size=16).hexdigest()
    kept = folder / key
    if not kept.is_dir():
        _write(kept, windows(store, settings))
    return Plan(*(np.load(kept / f"{name}.npy", mmap_mode="r").view(np.ndarray) for name in ("row_offsets", *_PIECES)))


_PIECES = {"documents": np.int64, "starts": np.int64, "lengths": np.int32}


def _write(kept: Path, parts: Iterator[Spans]) -> None:
    """Writes a plan window by window. It is at `kept` once it is whole, also if several processes write it at the same time."""
    with new_folder(kept, concurrent=True) as draft:
        row_sizes = [np.empty(0, np.int64)]
        with contextlib.ExitStack() as open_files:
            files = {name: open_files.enter_context(open(draft / f"{name}.npy", "wb")) for name in _PIECES}
            _write_headers(files, 0)
            for spans in parts:
                row_sizes.append(spans.row_sizes)
                for name, file in files.items():
                    file.write(getattr(spans, name).astype(_PIECES[name]).data)
            _write_headers(files, int(sum(sizes.sum() for sizes in row_sizes)))
        np.save(draft / "row_offsets.npy", _row_offsets(np.concatenate(row_sizes)))


def _write_headers(files: Mapping[str, BinaryIO], items: int) -> None:
    """NumPy pads the header so that one of a longer array fits in its place."""
    for name, file in files.items():
        file.seek(0)
        description = {
            "descr": np.lib.format.dtype_to_descr(np.dtype(_PIECES[name])),
            "fortran_order": False,
            "shape": (items,),
        }
        np.lib.format.write_array_header_1_0(file, description)


def _row_offsets(row_sizes: Integers) -> Integers:
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(row_sizes)))


def _shuffle(count: int, purpose: tuple[object, ...]) -> Integers:
    """A random permutation of 0 .. count-1, the same on every machine and with every version of NumPy."""
    return np.argsort(_draws(count, purpose), kind="stable")


def _draws(count: int, purpose: tuple[object, ...]) -> npt.NDArray[np.uint64]:
    """uint64[count], uniform: raw output of Philox (Salmon et al. 2011), whose stream NumPy promises to keep."""
    key = hashlib.blake2b(repr(purpose).encode(), digest_size=16).digest()
    return np.random.Philox(key=int.from_bytes(key, "little")).random_raw(count)


def _mixed(digests: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The output function of SplitMix64 (Steele et al. 2014): every bit of the result depends on every bit of the digest."""
    x = digests + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
