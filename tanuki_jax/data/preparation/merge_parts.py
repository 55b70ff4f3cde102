"""The parts of a source, in order, become its store."""

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.errors import InputError
from tanuki_jax.data.preparation.inventory import Inventory
from tanuki_jax.data.preparation.part import Part, learned_path, tokens_path
from tanuki_jax.data.preparation.work_units import Unit
from tanuki_jax.data.store import StoreWriter

MALFORMED_NAMED = 20
PERCENTILES = (1, 5, 25, 50, 75, 95, 99, 100)


class Merge:
    """Appends part after part to a store and keeps count."""

    def __init__(self, inventory: Inventory, writer: StoreWriter) -> None:
        self._name = inventory.name
        self._rendering = inventory.rendering
        self._writer = writer
        self._numbers = {entry.path: number for number, entry in enumerate(inventory.inputs)}
        self._rows: defaultdict[str, int] = defaultdict(int)
        self._characters = 0
        self._bytes = 0
        self._documents_of_length = np.zeros(0, np.int64)
        self._refused: Counter[str] = Counter()
        self._learned = 0
        self._named: dict[str, list[str]] = {"malformed": [], "dropped": [], "shortened": []}

    def add(self, unit: Unit, path: Path) -> list[str]:
        """Appends the part at `path`, which holds `unit`; the rows to be named, as what happened to them and FILE:ROW: REASON."""
        part = Part.load(path)
        count = int(part.lengths.sum())
        tokens = _mapped(tokens_path(path), self._writer.dtype, count)
        learned = None if part.learned is None else _mapped(learned_path(path), np.uint8, count)
        before = np.empty(len(unit.paths), np.int64)
        for piece, (file, rows) in enumerate(zip(unit.paths, part.rows_read.tolist(), strict=True)):
            before[piece] = self._rows[file]
            self._rows[file] += rows
        numbers = np.array([self._numbers[file] for file in unit.paths], np.int32)
        self._writer.append(
            tokens, part.lengths, part.digests, numbers[part.pieces], before[part.pieces] + part.rows + 1, learned
        )
        self._characters += int(part.characters)
        self._bytes += int(part.bytes)
        self._documents_of_length = _added(self._documents_of_length, np.bincount(part.lengths))
        for kind, number in (("malformed", part.malformed), ("dropped", part.dropped), ("shortened", part.shortened)):
            self._refused[kind] += 0 if number is None else int(number)
        self._learned += 0 if part.learned is None else int(part.learned)
        kinds = ["malformed"] * len(part.named_rows) if part.named_kinds is None else part.named_kinds.tolist()
        said = []
        for kind, piece, row, reason in zip(
            kinds, part.named_pieces.tolist(), part.named_rows.tolist(), part.named_reasons.tolist(), strict=True
        ):
            if len(self._named[kind]) < MALFORMED_NAMED:
                line = f"{unit.paths[piece]}:{before[piece] + row + 1}: {reason}"
                self._named[kind].append(line)
                said.append(f"{'shortened' if kind == 'shortened' else 'skipped'} {line}")
        return said

    def unnamed(self) -> list[str]:
        """What happened to more rows than those that `add` named, and to how many."""
        more = {kind: count - len(self._named[kind]) for kind, count in self._refused.items()}
        return [f"{self._name}: {count:,} more are {kind}" for kind, count in more.items() if count]

    def statistics(self, malformed_share: float) -> dict[str, Any]:
        """What `store.json` keeps. InputError if there is no document, or more than that share of the records gives none."""
        documents, tokens = self._writer.documents, self._writer.tokens
        self._check_share(malformed_share)
        if not documents:
            raise InputError(f"the source {self._name} has no documents in {_files(len(self._numbers))}")
        lengths = np.searchsorted(np.cumsum(self._documents_of_length), np.array(PERCENTILES) / 100 * documents)
        statistics = {
            "documents": documents,
            "characters": self._characters,
            "bytes": self._bytes,
            "tokens": tokens,
            "tokens_per_character": round(tokens / self._characters, 4),
            "document_tokens_percentiles": dict(zip(map(str, PERCENTILES), lengths.tolist(), strict=True)),
        }
        kinds = ["malformed"]
        if self._rendering is not None:
            statistics |= {"records": self._records(), "learned_tokens": self._learned}
            kinds += ["dropped", "shortened"]
        for kind in kinds:
            statistics |= {kind: self._refused[kind], f"first_{kind}": self._named[kind]}
        return statistics

    def _records(self) -> int:
        """How many are in the store."""
        return self._writer.documents // (self._rendering.documents if self._rendering else 1)

    def _check_share(self, malformed_share: float) -> None:
        malformed, dropped = self._refused["malformed"], self._refused["dropped"]
        records = self._records() + malformed + dropped
        if malformed + dropped <= malformed_share * records:
            return
        allowed = f"more than data.malformed_share ({malformed_share:g}) allows"
        if not dropped:
            raise InputError(
                f"{malformed:,} of {records:,} records of {self._name} are malformed, {allowed}; the first is {self._named['malformed'][0]}"
            )
        found = f"{dropped:,} are too long for data.sequence_length" + (
            f" and {malformed:,} are malformed" if malformed else ""
        )
        firsts = " and ".join(self._named[kind][0] for kind in ("dropped", "malformed") if self._refused[kind])
        raise InputError(f"of {records:,} records of {self._name} {found}, together {allowed}; the first: {firsts}")


def _files(count: int) -> str:
    return "its file" if count == 1 else f"its {count:,} files"


def _mapped(path: Path, dtype: npt.DTypeLike, count: int) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = np.memmap(path, dtype, "r") if count else np.empty(0, dtype)
    assert len(values) == count
    return values


def _added(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The sum of two arrays of which the shorter one counts as zero from its end on."""
    long, short = (a, b) if len(a) >= len(b) else (b, a)
    total = long.copy()
    total[: len(short)] += short
    return total
