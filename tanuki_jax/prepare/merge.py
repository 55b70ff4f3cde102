"""The parts of a source, in order, become its store."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tanuki_jax.data.store import StoreWriter
from tanuki_jax.errors import InputError
from tanuki_jax.prepare.inventory import Inventory
from tanuki_jax.prepare.part import Part, tokens_path
from tanuki_jax.prepare.units import Unit

MALFORMED_NAMED = 20
PERCENTILES = (1, 5, 25, 50, 75, 95, 99, 100)


class Merge:
    """Appends part after part to a store and keeps count."""

    def __init__(self, inventory: Inventory, writer: StoreWriter) -> None:
        self._name = inventory.name
        self._writer = writer
        self._numbers = {entry.path: number for number, entry in enumerate(inventory.inputs)}
        self._rows: defaultdict[str, int] = defaultdict(int)
        self._characters = 0
        self._bytes = 0
        self._documents_of_length = np.zeros(0, np.int64)
        self._malformed = 0
        self._named: list[str] = []

    def add(self, unit: Unit, path: Path) -> list[str]:
        """Appends the part at `path`, which holds `unit`; the malformed rows to be named, as FILE:ROW: REASON."""
        part = Part.load(path)
        tokens = _tokens(path, self._writer.dtype, int(part.lengths.sum()))
        before = np.empty(len(unit.paths), np.int64)
        for piece, (file, rows) in enumerate(zip(unit.paths, part.rows_read.tolist(), strict=True)):
            before[piece] = self._rows[file]
            self._rows[file] += rows
        numbers = np.array([self._numbers[file] for file in unit.paths], np.int32)
        self._writer.append(tokens, part.lengths, part.digests, numbers[part.pieces], before[part.pieces] + part.rows + 1)
        self._characters += int(part.characters)
        self._bytes += int(part.bytes)
        self._documents_of_length = _added(self._documents_of_length, np.bincount(part.lengths))
        self._malformed += int(part.malformed)
        columns = (part.named_pieces.tolist(), part.named_rows.tolist(), part.named_reasons.tolist())
        named = [f"{unit.paths[piece]}:{before[piece] + row + 1}: {reason}" for piece, row, reason in zip(*columns, strict=True)]
        new = named[: MALFORMED_NAMED - len(self._named)]
        self._named += new
        return new

    def statistics(self, malformed_share: float) -> dict[str, Any]:
        """What `store.json` keeps. InputError if there is no document or more than that share of the records is malformed."""
        documents, tokens = self._writer.documents, self._writer.tokens
        records = documents + self._malformed
        if self._malformed > malformed_share * records:
            raise InputError(
                f"{self._malformed:,} of {records:,} records of {self._name} are malformed, more than data.malformed_share "
                f"({malformed_share:g}) allows; the first is {self._named[0]}"
            )
        if not documents:
            raise InputError(f"the source {self._name} has no documents in its {len(self._numbers):,} files")
        lengths = np.searchsorted(np.cumsum(self._documents_of_length), np.array(PERCENTILES) / 100 * documents)
        return {
            "documents": documents,
            "characters": self._characters,
            "bytes": self._bytes,
            "tokens": tokens,
            "tokens_per_character": round(tokens / self._characters, 4),
            "document_tokens_percentiles": dict(zip(map(str, PERCENTILES), lengths.tolist(), strict=True)),
            "malformed": self._malformed,
            "first_malformed": self._named,
        }


def _tokens(part: Path, dtype: npt.DTypeLike, count: int) -> npt.NDArray[Any]:
    tokens: npt.NDArray[Any] = np.memmap(tokens_path(part), dtype, "r") if count else np.empty(0, dtype)
    assert len(tokens) == count
    return tokens


def _added(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The sum of two arrays of which the shorter one counts as zero from its end on."""
    long, short = (a, b) if len(a) >= len(b) else (b, a)
    total = long.copy()
    total[: len(short)] += short
    return total
