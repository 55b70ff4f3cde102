"""Plans of rows: documents are cut into fragments of at most T tokens, and packed into rows by best fit decreasing.

A document of m tokens, its end-of-document token included, gives m - 1 predictions and takes m - 1 positions of a row:
its last token is only a target. Chats, of which only some tokens are learned, are not cut, and the documents of one
record (a pair of answers) are adjacent in one row. A plan covers one epoch of a store.
"""

import contextlib
import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.atomic import new_folder
from tanuki_jax.base.freed_memory import return_freed_memory
from tanuki_jax.config.experiment import Data
from tanuki_jax.data.random_order import Purpose, draws, shuffle, shuffled

VERSION = 1
"""Version of the packer; to be increased by a change that changes plans."""
KEPT_FROM_FRAGMENTS = 100_000
"""Smaller plans are not written to disk: making them again is quick, and small stores have many epochs."""

BLOCK_DOCUMENTS = 1 << 18
"""Documents of a store that are looked at in one go, where all of them are."""

type Integers = npt.NDArray[np.int64]
type Split = Literal["train", "held_out"]


class Documents(Protocol):
    """Attributes of a token store (`tanuki_jax.data.store.Store`) that the packer needs."""

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
    """Fragments of several rows, row after row."""

    row_sizes: Integers
    """int64[rows], fragments in each row."""
    documents: Integers
    """int64[fragments], number of the document in the store."""
    starts: Integers
    """int64[fragments], first input token within the document."""
    lengths: Integers
    """int64[fragments], input tokens; the target of the last one is the token after the fragment."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """Values that determine a plan, with the store. The file name of a plan is a hash of their `repr`."""

    sequence_length: int
    window_documents: int
    held_out_share: float
    """Share of the documents that are held out; 1: all of them, so that the training split is empty."""
    split: Split
    seed: int
    epoch: int

    @classmethod
    def of(cls, data: Data, split: Split, seed: int, epoch: int) -> Self:
        """Return the settings of a config for a split of one epoch."""
        return cls(
            sequence_length=data.sequence_length,
            window_documents=data.window_documents,
            held_out_share=data.held_out_share,
            split=split,
            seed=seed,
            epoch=epoch,
        )


class Parts(NamedTuple):
    """Parts of documents, or records that stay together, each of which is cut and packed as a document is."""

    records: Integers
    """int64[n], number of the document or record, ascending."""
    starts: Integers
    """int64[n], first input token within the document; 0 for records."""
    lengths: Integers
    """int64[n], predictions."""


@dataclasses.dataclass(frozen=True)
class Rest:
    """Parts of an epoch that remain after some of it was read."""

    after: str
    """Text that determines the parts, with the store; it is part of the file name of the plan."""
    parts: Callable[[], Parts]
    """Function that returns the parts."""


class Plan:
    """Rows of one epoch of a store, in random access."""

    def __init__(
        self, row_offsets: Integers, documents: Integers, starts: Integers, lengths: npt.NDArray[np.int32]
    ) -> None:
        """Take each row's first fragment, int64[R+1], and columns of fragments: int64[S], int64[S] and int32[S]."""
        self._row_offsets, self._documents, self._starts, self._lengths = row_offsets, documents, starts, lengths
        self.rows = len(row_offsets) - 1

    def spans(self, rows: Integers) -> Spans:
        """Return the fragments of `rows`."""
        first = self._row_offsets[rows]
        sizes = self._row_offsets[rows + 1] - first
        index = np.repeat(first, sizes) + ranges(sizes)
        return Spans(sizes, self._documents[index], self._starts[index], self._lengths[index].astype(np.int64))


def ranges(sizes: Integers) -> Integers:
    """Return 0 .. sizes[0]-1, 0 .. sizes[1]-1, and so on, in one array."""
    return np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)


def in_split(store: Documents, settings: Settings) -> Iterator[Integers]:
    """Yield the numbers of a split's documents that have a prediction, ascending, in blocks that split no record.

    The hash of a text decides, so equal texts are in one split, and so are the documents of a record, which have one
    hash. The training split gets at least one text, unless all are held out; the held-out split too, if its share is
    above 0 and there are two texts.
    """
    if settings.held_out_share == 1:
        yield from (documents for documents, _ in _usable(store) if settings.split == "held_out")
        return
    bounds = [(drawn.min(), drawn.max()) for _, drawn in _usable(store) if len(drawn)]
    if not bounds:
        return
    least, greatest = min(low for low, _ in bounds), max(high for _, high in bounds)
    share = np.uint64(min(int(settings.held_out_share * 2**64), 2**64 - 1))
    for documents, drawn in _usable(store):
        held_out = drawn < share
        held_out[drawn == least] = settings.held_out_share > 0
        held_out[drawn == greatest] = False
        yield documents[held_out if settings.split == "held_out" else ~held_out]


def _usable(store: Documents) -> Iterator[tuple[Integers, npt.NDArray[np.uint64]]]:
    """Yield the numbers of the documents that have a prediction, and the draw of each from its text, in blocks."""
    for first, sizes in _sizes(store):
        usable = np.flatnonzero(sizes > 1)
        yield first + usable, _mixed(store.digests[first : first + len(sizes)][usable])


def _sizes(store: Documents) -> Iterator[tuple[int, Integers]]:
    """Yield the number of a block's first document, and int64[documents], the tokens of each; records are not split."""
    offsets = store.offsets
    step = BLOCK_DOCUMENTS // store.documents_per_record * store.documents_per_record
    for first in range(0, len(offsets) - 1, step):
        yield first, np.diff(offsets[first : first + step + 1])


def best_fit(lengths: Integers, sequence_length: int) -> tuple[Integers, int]:
    """Pack items of 1 to T tokens into rows of T: the longest first, each into the fullest row that it fits into.

    Items of one length are packed together into ranges of equally full rows, so the time depends on the number of
    distinct lengths and hardly on that of items (compare histogram packing, Krell et al. 2021, arXiv:2107.02027).

    Returns:
        int64[n], the row of each item; and the number of rows.
    """
    # The placements only count items. Laid out item by item, they are the rows of the items sorted from long to short.
    key = (sequence_length - lengths).astype(np.uint16 if sequence_length < 2**16 else np.uint32)
    counts = np.bincount(lengths, minlength=sequence_length + 1)
    placements, rows = _best_fit_placements(counts, sequence_length)
    first, used, each = np.array(placements, np.int64).reshape(-1, 3).T
    row_of_sorted = np.repeat(np.repeat(first, used) + ranges(used), np.repeat(each, used))
    row_of = np.empty(len(lengths), np.int64)
    row_of[np.argsort(key, kind="stable")] = row_of_sorted
    return row_of, rows


def _best_fit_placements(counts: Integers, sequence_length: int) -> tuple[list[tuple[int, int, int]], int]:
    """Return placements (first row, rows, items put into each of these rows), longest items first; and the number of
    rows.

    Args:
        counts: int64[T+1], number of items of each length.
        sequence_length: T.
    """
    # Rows with equally many free positions are interchangeable, so rows are handled as ranges (first row, rows) of such
    # rows, and one placement puts items of one length into one range. The fullest rows that an item of length n fits
    # into have the least number of free positions >= n: the lowest set bit of `available >> n`.
    placements: list[tuple[int, int, int]] = []
    ranges_with: list[list[tuple[int, int]]] = [[] for _ in range(sequence_length + 1)]  # free positions -> ranges
    available = 0  # bit f is set if ranges_with[f] is not empty
    rows = 0

    def put_back(free: int, first: int, count: int) -> None:
        nonlocal available
        if free and count:
            ranges_with[free].append((first, count))
            available |= 1 << free

    for length in np.flatnonzero(counts)[::-1].tolist():
        items = int(counts[length])
        while items:
            if enough := available >> length:
                free = length + (enough & -enough).bit_length() - 1
                first, count = ranges_with[free].pop()
                if not ranges_with[free]:
                    available ^= 1 << free
            else:  # the item fits into no row: open as many rows as the remaining items of this length fill
                free, first, count = sequence_length, rows, -(-items // (sequence_length // length))
                rows += count
            # A row that took one item and can take another is now the fullest such row, so best fit puts as many into
            # it as fit: `filled` rows take `each` items, one more row takes the `rest`, and the others are not changed.
            each = free // length
            filled = min(items // each, count)
            rest = items - filled * each if filled < count else 0
            if filled:
                placements.append((first, filled, each))
                put_back(free - each * length, first, filled)
            if rest:
                placements.append((first + filled, 1, rest))
                put_back(free - rest * length, first + filled, 1)
            used = filled + (rest > 0)
            put_back(free, first + used, count - used)
            items -= filled * each + rest
    return placements, rows


def pack(records: Integers, sizes: Integers, sequence_length: int, purpose: Purpose) -> Spans:
    """Cut records into fragments and pack these; rows, and fragments within a row, are in random order.

    A record is a document, or several that stay together and are cut nowhere: `_documents_of` then takes its place.

    Args:
        records: int64[n], their numbers.
        sizes: int64[n], tokens of each, as `record_sizes` has them, at least 2.
        sequence_length: T.
        purpose: seed of the random order.

    Returns:
        Fragments whose `documents` are numbers of records.
    """
    # Three shuffles: of the records, so that those of equal length meet others in each epoch; of the rows, since the
    # first rows hold the longest fragments; and of the fragments in each row, since the longest are packed first.
    order = shuffle(len(records), (*purpose, "documents"))
    records, predictions = records[order], sizes[order] - 1
    fragments = -(-predictions // sequence_length)
    starts = ranges(fragments) * sequence_length
    lengths = np.minimum(np.repeat(predictions, fragments) - starts, sequence_length)
    row_of, rows = best_fit(lengths, sequence_length)
    row_of = shuffle(rows, (*purpose, "rows"))[row_of]
    within_row = draws(len(lengths), (*purpose, "within row")) >> np.uint64(32)
    by_row = np.argsort(row_of.astype(np.uint64) << np.uint64(32) | within_row, kind="stable")
    records = np.repeat(records, fragments)
    return Spans(np.bincount(row_of, minlength=rows), records[by_row], starts[by_row], lengths[by_row])


def windows(store: Documents, settings: Settings, folder: Path, left: Parts | None = None) -> Iterator[Spans]:
    """Pack a store, or what is left of its documents, window by window; an order of records that needs more memory than
    a window is in `folder`.

    A window has the same records in every epoch, packed and ordered anew, so all epochs have the same number of rows.
    """

    # Best fit packs one window at a time, which bounds its memory. The number of rows depends on the lengths in a
    # window alone, so the windows are drawn once for a seed; each epoch shuffles the windows, and `pack` the rows in
    # each.
    def records() -> Iterator[Integers]:
        return _records(store, settings) if left is None else iter([np.arange(len(left.records))])

    total = sum(map(len, records()))
    count = -(-total // settings.window_documents)
    run = (VERSION, store.fingerprint, settings.seed, settings.split)
    with contextlib.ExitStack() as stack:
        if count > 1:
            parts = np.array_split(stack.enter_context(shuffled(records, total, (*run, "windows"), folder)), count)
        else:
            parts = [np.concatenate([*records(), np.empty(0, np.int64)])]
        for window in shuffle(count, (*run, settings.epoch, "order of windows")).tolist():
            # Not in variables of this function, which would keep one window in memory while the next one is packed.
            yield _packed(np.array(parts[window]), left, store, settings, (*run, settings.epoch, window))


def _packed(records: Integers, left: Parts | None, store: Documents, settings: Settings, purpose: Purpose) -> Spans:
    """Pack the records of a window, or the parts of `left` with these numbers; return the fragments of documents."""
    sizes = record_sizes(store, records) if left is None else left.lengths[records] + 1
    assert not store.has_learned or (sizes <= settings.sequence_length + 1).all()
    spans = pack(records, sizes, settings.sequence_length, purpose)
    if left is not None:
        part = spans.documents
        spans = spans._replace(documents=left.records[part], starts=left.starts[part] + spans.starts)
    return spans if store.documents_per_record == 1 else _documents_of(spans, store)


def _records(store: Documents, settings: Settings) -> Iterator[Integers]:
    """Yield the numbers of a split's records, ascending, in blocks."""
    for documents in in_split(store, settings):
        yield documents if store.documents_per_record == 1 else np.unique(documents // store.documents_per_record)


def record_sizes(store: Documents, records: Integers) -> Integers:
    """Return int64[records]: one more than the positions of a row that the documents of each record take together."""
    offsets, each = store.offsets, store.documents_per_record
    return offsets[(records + 1) * each] - offsets[records * each] - each + 1


def longest_record(store: Documents) -> int:
    """Return the greatest number of positions of a row that the documents of a record take together."""
    each = store.documents_per_record
    return max((int((sizes - 1).reshape(-1, each).sum(-1).max()) for _, sizes in _sizes(store)), default=0)


def _documents_of(spans: Spans, store: Documents) -> Spans:
    """Replace each record in a row by its documents."""
    numbers = np.arange(store.documents_per_record)
    documents = (spans.documents[:, None] * len(numbers) + numbers).reshape(-1)
    offsets = store.offsets
    lengths = offsets[documents + 1] - offsets[documents] - 1
    return Spans(spans.row_sizes * len(numbers), documents, np.zeros_like(documents), lengths)


def plan(
    store: Documents,
    settings: Settings,
    folder: Path,
    kept_from: int = KEPT_FROM_FRAGMENTS,
    rest: Rest | None = None,
) -> Plan:
    """Make the plan of one epoch of a store, or of the rest of one, or read it from `folder`.

    The plan of a store of about `kept_from` fragments or more is written to `folder`/KEY. It may be deleted, and is
    then made again.
    """
    offsets = store.offsets
    if len(offsets) - 1 + offsets[-1] // settings.sequence_length < kept_from:
        made = windows(store, settings, folder, rest.parts() if rest else None)
        spans = [*made] or [Spans(*(np.empty(0, np.int64) for _ in Spans._fields))]
        row_sizes, documents, starts, lengths = (np.concatenate(parts) for parts in zip(*spans, strict=True))
        return Plan(_row_offsets(row_sizes), documents, starts, lengths.astype(np.int32))
    determined_by = (VERSION, store.fingerprint, settings, *([rest.after] if rest else []))
    kept = folder / hashlib.blake2b(repr(determined_by).encode(), digest_size=16).hexdigest()
    if not kept.is_dir():
        _write(kept, windows(store, settings, folder, rest.parts() if rest else None))
    return Plan(*(np.load(kept / f"{name}.npy", mmap_mode="r").view(np.ndarray) for name in _COLUMNS))


_COLUMNS = {"row_offsets": np.int64, "documents": np.int64, "starts": np.int64, "lengths": np.int32}


def _write(kept: Path, parts: Iterator[Spans]) -> None:
    """Write a plan window by window. `kept` appears complete, even if several processes write it at once."""
    with new_folder(kept, concurrent=True) as draft, contextlib.ExitStack() as open_files:
        files = {name: open_files.enter_context(open(draft / f"{name}.npy", "wb")) for name in _COLUMNS}
        rows = fragments = 0
        _write_headers(files, rows, fragments)
        files["row_offsets"].write(np.zeros(1, np.int64).data)
        for spans in parts:
            columns = spans._asdict() | {"row_offsets": fragments + np.cumsum(spans.row_sizes)}
            for name, file in files.items():
                file.write(columns[name].astype(_COLUMNS[name]).data)
            rows, fragments = rows + len(spans.row_sizes), fragments + len(spans.lengths)
            del spans, columns  # before the next window is packed
            return_freed_memory()
        _write_headers(files, rows, fragments)


def _write_headers(files: Mapping[str, BinaryIO], rows: int, fragments: int) -> None:
    """Write the header of each column of a plan; NumPy pads headers so that those of any lengths have one size."""
    for name, file in files.items():
        file.seek(0)
        description = {
            "descr": np.lib.format.dtype_to_descr(np.dtype(_COLUMNS[name])),
            "fortran_order": False,
            "shape": (rows + 1 if name == "row_offsets" else fragments,),
        }
        np.lib.format.write_array_header_1_0(file, description)


def _row_offsets(row_sizes: Integers) -> Integers:
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(row_sizes)))


def _mixed(digests: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Mix the bits of digests by the output function of SplitMix64 (Steele et al. 2014), so that they are uniform."""
    x = digests + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
