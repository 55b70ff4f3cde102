"""Positions up to which sources have been read, from which the same run or another one reads on.

A position is an epoch of a source, and the rows of it that have been read. Rows belong to a plan, and so to settings of
the packer. A run with the same settings reads the next rows of that plan. A run with other settings packs what the
rows read so far have left of the epoch: documents, or parts of those that were cut. So whatever changes, no token of an
epoch is read twice, and none is left out.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np

from tanuki_jax.data import packing
from tanuki_jax.data.packing import Documents, Integers, Parts, Plan, Rest, Settings


@dataclasses.dataclass(frozen=True, kw_only=True)
class RowsRead:
    """Rows of one plan that have been read."""

    settings: Settings
    """Settings of the plan."""
    rows: int
    """Number of rows that have been read, from the first on."""
    left_out: tuple[tuple[int, int], ...] = ()
    """Ranges of later rows, from the first of each to the one before its end, that count as read: those of data steps
    that are skipped."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReadPosition:
    """Position up to which a source has been read."""

    store: str
    """Fingerprint of the store."""
    version: int = packing.VERSION
    """Version of the packer."""
    read: tuple[RowsRead, ...]
    """Rows of the present epoch that have been read, the oldest first. The plan of the first holds the epoch; each
    further one, under other settings, what the rows before have left of it."""

    @property
    def epoch(self) -> int:
        """Return the number of the present epoch, from 0."""
        return self.read[-1].settings.epoch

    @property
    def at_start(self) -> bool:
        """Whether nothing of the source has been read."""
        return self.epoch == 0 and not any(part.rows or part.left_out for part in self.read)

    def description(self) -> list[object]:
        """Return the data that determines what is read from here on, as plain values."""
        return [
            [s.sequence_length, s.window_documents, s.held_out_share, s.seed, s.epoch, part.rows, part.left_out]
            for part in self.read
            for s in (part.settings,)
        ]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reading:
    """Record of what a run has read up to a checkpoint, and of where it began; the checkpoint's state has it."""

    begins: Mapping[str, ReadPosition] = dataclasses.field(default_factory=dict)
    """Source -> position where another run stopped and this one begins. Any other source begins with its first row."""
    batch_rows: tuple[tuple[int, int], ...] = ()
    """First data step and rows of each size of batches so far, ascending; empty in old checkpoints."""
    positions: Mapping[str, ReadPosition] = dataclasses.field(default_factory=dict)
    """Source -> position up to which it has been read: those of the run's mixture, then others of `begins`. Empty in
    old checkpoints and converted ones."""

    def onward(self, data_step: int, rows: int) -> Self:
        """Return the reading of a run that goes on at `data_step` with batches of `rows` rows, as those so far had if
        this reading does not know them."""
        begun = tuple(size for size in self.batch_rows if size[0] < max(data_step, 1)) or ((0, rows),)
        return dataclasses.replace(self, batch_rows=begun if begun[-1][1] == rows else (*begun, (data_step, rows)))


def begin(position: ReadPosition | None, store: Documents, settings: Settings) -> ReadPosition:
    """Return the position where a run with some settings begins to read a source.

    Args:
        position: where another run stopped; of another store, or of another version of the packer, it does not count.
        store: the source's store.
        settings: of the run, epoch 0.
    """
    if position is None or (position.store, position.version) != (store.fingerprint, packing.VERSION):
        return ReadPosition(store=store.fingerprint, read=(RowsRead(settings=settings, rows=0),))
    settings = dataclasses.replace(settings, epoch=position.epoch)
    read = tuple(part for part in position.read if part.rows or part.left_out)
    if not read or read[-1].settings != settings or read[-1].left_out:
        read = (*read, RowsRead(settings=settings, rows=0))
    return dataclasses.replace(position, read=read)


def make_plan(store: Documents, read: Sequence[RowsRead], folder: Path, kept_from: int) -> Plan:
    """Make the plan of the last rows in `read`, or read it from `folder`, as `packing.plan` does."""
    plans: list[Plan] = []
    for number, part in enumerate(read):
        before = [*zip(plans, read[:number], strict=True)]
        rest = Rest(repr(tuple(read[:number])), functools.partial(_left, store, part.settings, before))
        plans.append(packing.plan(store, part.settings, folder, kept_from, rest if number else None))
    return plans[-1]


def _left(store: Documents, settings: Settings, read: Iterable[tuple[Plan, RowsRead]]) -> Parts:
    """Return the parts of a split's documents that no read row holds."""
    spans = [plan.spans(_numbers(rows)) for plan, rows in read]
    _, documents, starts, lengths = (np.concatenate(column) for column in zip(*spans, strict=True))
    chosen = np.concatenate([np.empty(0, np.int64), *packing.in_split(store, settings)])
    inside = np.isin(documents, chosen)
    documents, starts, lengths = documents[inside], starts[inside], lengths[inside]
    # The parts that are left of a document lie between its begin or the end of a fragment that was read, and the begin
    # of the next such fragment or its own end. Fragments do not overlap, so both lists have one entry for each part in
    # the order of the text; those between adjacent fragments are empty.
    offsets = store.offsets
    predictions = offsets[chosen + 1] - offsets[chosen] - 1
    of = np.concatenate([chosen, documents])
    begins, ends = np.concatenate([0 * chosen, starts + lengths]), np.concatenate([predictions, starts])
    by_begin, by_end = np.lexsort((begins, of)), np.lexsort((ends, of))
    of, begins = of[by_begin], begins[by_begin]
    sizes = ends[by_end] - begins
    some = sizes > 0
    if store.documents_per_record == 1:
        return Parts(of[some], begins[some], sizes[some])
    records = np.unique(of[some] // store.documents_per_record)  # the documents of a record are in one row
    return Parts(records, 0 * records, packing.record_sizes(store, records) - 1)


def _numbers(read: RowsRead) -> Integers:
    """Return the numbers of the rows that have been read, or count as read."""
    return np.concatenate([np.arange(read.rows), *(np.arange(first, end) for first, end in read.left_out)])


class SourceOrder:
    """Order of the rows that a run reads of one source: the rest of the epoch where it begins, then further epochs."""

    def __init__(self, begins: ReadPosition, plan: Callable[[int], Plan]) -> None:
        """Take the position where the run begins, and epoch -> plan; plans are made when they are needed."""
        self.begins = begins
        self._plan = plan

    @functools.cached_property
    def _rows(self) -> tuple[int, int]:
        """Return the number of rows that remain of the epoch where the run begins, and that of a whole epoch, which is
        the same for all."""
        first = self._plan(self.begins.epoch).rows
        whole = first if len(self.begins.read) == 1 else self._plan(self.begins.epoch + 1).rows
        return first - self.begins.read[-1].rows, whole

    def locate(self, indices: Integers) -> tuple[Integers, Integers]:
        """Return epoch and row in its plan, both int64[n], of rows of the source that the run reads, from 0."""
        remain, whole = self._rows
        later = indices - remain
        epochs = np.where(later < 0, self.begins.epoch, self.begins.epoch + 1 + later // whole)
        return epochs, np.where(later < 0, self.begins.read[-1].rows + indices, later % whole)

    def epochs(self, rows: int) -> float:
        """Return the number of times that the source has been read once the run has read `rows` rows of it, those
        before the run included."""
        if rows == 0 and self.begins.at_start:
            return 0.0  # without its plan: the source may be of a later stage
        remain, whole = self._rows
        return ((self.begins.epoch + 1) * whole - remain + rows) / whole

    def position(self, rows: int, left_out: Iterable[tuple[int, int]]) -> ReadPosition:
        """Return the position once the run has read `rows` rows.

        Args:
            rows: number of rows.
            left_out: ranges of later rows that count as read; those in later epochs do not.
        """
        ahead = [(first, end) for first, end in left_out if first < end]
        if rows == 0 and not ahead:
            return self.begins
        epoch, row = (int(value[0]) for value in self.locate(np.array([rows])))
        present = self.begins.read if epoch == self.begins.epoch else self.begins.read[-1:]
        remain, whole = self._rows
        size = remain + self.begins.read[-1].rows if epoch == self.begins.epoch else whole
        shift = row - rows
        ranges = tuple((first + shift, min(end + shift, size)) for first, end in ahead if first + shift < size)
        settings = dataclasses.replace(present[-1].settings, epoch=epoch)
        last = RowsRead(settings=settings, rows=row, left_out=ranges)
        return dataclasses.replace(self.begins, read=(*present[:-1], last))
