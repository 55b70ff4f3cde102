"""Merge the parts of a source, in order, into its store, and collect its statistics."""

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.errors import InputError
from tanuki_jax.data.preparation.inventory import Inventory
from tanuki_jax.data.preparation.part import FAULTS, FAULTS_NAMED, Fault, Part, learned_path, tokens_path
from tanuki_jax.data.preparation.work_units import Unit
from tanuki_jax.data.store import StoreWriter

BLOCK_DOCUMENTS = 1 << 14
"""Documents of a part that are appended at a time."""
PERCENTILES = (1, 5, 25, 50, 75, 95, 99, 100)


class Merge:
    """Appends parts to a store in the order of their units, and counts documents and faults."""

    def __init__(self, inventory: Inventory, writer: StoreWriter) -> None:
        self._name = inventory.name
        self._rendering = inventory.rendering
        self._writer = writer
        self._file_numbers = {entry.path: number for number, entry in enumerate(inventory.inputs)}
        self._rows_before: defaultdict[str, int] = defaultdict(int)
        self._characters = 0
        self._bytes = 0
        self._documents_of_length = np.zeros(0, np.int64)
        self._faults: Counter[Fault] = Counter()
        self._learned = 0
        self._named: dict[Fault, list[str]] = {fault: [] for fault in FAULTS}

    def add(self, unit: Unit, path: Path) -> list[str]:
        """Append the part at `path`, the documents of `unit`.

        Returns:
            A line, with file, row and reason, for each faulty row that is recorded: the first ones of each fault.
        """
        part = Part.load(path)
        count = int(part.lengths.sum())
        tokens = _memory_mapped(tokens_path(path), self._writer.dtype, count)
        learned = None if part.learned is None else _memory_mapped(learned_path(path), np.uint8, count)
        # A part numbers rows within each slice, since its worker does not know the slices before. A file's slices are
        # merged in order, so the rows of its slices so far are the offset of the next one.
        offsets = np.empty(len(unit.paths), np.int64)
        for index, (file, rows) in enumerate(zip(unit.paths, part.rows_read.tolist(), strict=True)):
            offsets[index] = self._rows_before[file]
            self._rows_before[file] += rows
        files = np.array([self._file_numbers[file] for file in unit.paths], np.int32)
        begin = 0
        for first in range(0, len(part.lengths), BLOCK_DOCUMENTS):
            some = slice(first, first + BLOCK_DOCUMENTS)
            lengths, pieces = part.lengths[some], part.pieces[some]
            span = slice(begin, begin := begin + int(lengths.sum()))
            masks = None if learned is None else learned[span]
            rows_of_files = offsets[pieces] + part.rows[some] + 1
            self._writer.append(tokens[span], lengths, part.digests[some], files[pieces], rows_of_files, masks)
        self._characters += int(part.characters)
        self._bytes += int(part.bytes)
        # A document of one token stands for the answer that a rated record lacks.
        real = part.lengths if self._rendering is None else part.lengths[part.lengths > 1]
        self._documents_of_length = _padded_sum(self._documents_of_length, np.bincount(real))
        self._learned += 0 if part.learned is None else int(part.learned)
        for fault in FAULTS:
            number = getattr(part, fault)
            self._faults[fault] += 0 if number is None else int(number)
        return self._name_faults(unit, part, offsets)

    def _name_faults(self, unit: Unit, part: Part, offsets: npt.NDArray[np.int64]) -> list[str]:
        """Record the first rows of each fault, and return a line for each; `offsets` are the rows before each slice."""
        faults = ["malformed"] * len(part.named_rows) if part.named_kinds is None else part.named_kinds.tolist()
        lines = []
        for fault, index, row, reason in zip(
            faults, part.named_pieces.tolist(), part.named_rows.tolist(), part.named_reasons.tolist(), strict=True
        ):
            if len(self._named[fault]) < FAULTS_NAMED:
                line = f"{unit.paths[index]}:{offsets[index] + row + 1}: {reason}"
                self._named[fault].append(line)
                lines.append(f"{'shortened' if fault == 'shortened' else 'skipped'} {line}")
        return lines

    def unnamed(self) -> list[str]:
        """Return a line for each fault with more rows than `add` has named, and one that says how to keep what is too
        long."""
        more = {fault: count - len(self._named[fault]) for fault, count in self._faults.items()}
        lines = [f"{self._name}: {count:,} more rows are {fault}" for fault, count in more.items() if count]
        dropped, shortened = self._faults["dropped"], self._faults["shortened"]
        if dropped or shortened:
            records = self._records() + dropped + self._faults["malformed"] + self._faults["unused"]
            chosen = self._rendering is not None and self._rendering.too_long != "by_form"
            advice = "" if chosen else "; too_long of the source can be 'exchanges', 'truncate' or 'drop'"
            lines.append(
                f"{self._name}: of {records:,} records {dropped:,} were dropped and {shortened:,} shortened, being too "
                f"long for data.sequence_length{advice}"
            )
        return lines

    def statistics(self, malformed_share: float) -> dict[str, Any]:
        """Return the statistics for `store.json`.

        InputError if there is no document, or if more than `malformed_share` of the records are malformed.
        """
        documents = int(self._documents_of_length.sum())
        tokens = int(self._documents_of_length @ np.arange(len(self._documents_of_length)))
        self._check_share(malformed_share)
        if dropped := self._faults["dropped"] if not documents else 0:
            raise InputError(
                f"all {dropped:,} records of {self._name} are too long for data.sequence_length; the first: "
                f"{self._named['dropped'][0]}"
            )
        if not documents:
            raise InputError(f"the source {self._name} has no documents in {_files(len(self._file_numbers))}")
        lengths = np.searchsorted(np.cumsum(self._documents_of_length), np.array(PERCENTILES) / 100 * documents)
        statistics = {
            "documents": documents,
            "characters": self._characters,
            "bytes": self._bytes,
            "tokens": tokens,
            "tokens_per_character": round(tokens / self._characters, 4),
            "document_tokens_percentiles": dict(zip(map(str, PERCENTILES), lengths.tolist(), strict=True)),
        }
        faults: tuple[Fault, ...] = ("malformed",)
        if self._rendering is not None:
            statistics |= {"records": self._records(), "learned_tokens": self._learned}
            faults = FAULTS
        for fault in faults:
            statistics |= {fault: self._faults[fault], f"first_{fault}": self._named[fault]}
        return statistics

    def _records(self) -> int:
        """Return the number of records in the store."""
        return self._writer.documents // (self._rendering.documents_per_record if self._rendering else 1)

    def _check_share(self, malformed_share: float) -> None:
        malformed = self._faults["malformed"]
        records = self._records() + malformed + self._faults["dropped"] + self._faults["unused"]
        if malformed > malformed_share * records:
            raise InputError(
                f"{malformed:,} of {records:,} records of {self._name} are malformed, more than data.malformed_share "
                f"({malformed_share:g}) allows; the first is {self._named['malformed'][0]}"
            )


def _files(count: int) -> str:
    return "its file" if count == 1 else f"its {count:,} files"


def _memory_mapped(path: Path, dtype: npt.DTypeLike, count: int) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = np.memmap(path, dtype, "r") if count else np.empty(0, dtype)
    assert len(values) == count
    return values


def _padded_sum(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the sum of two arrays, the shorter of which is padded with zeros."""
    long, short = (a, b) if len(a) >= len(b) else (b, a)
    total = long.copy()
    total[: len(short)] += short
    return total
