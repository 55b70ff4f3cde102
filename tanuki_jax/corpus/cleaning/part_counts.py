"""Counts of a part: what was in it, and what became of it."""

import dataclasses
import json
from collections import Counter
from pathlib import Path
from typing import Any

from tanuki_jax.corpus.cleaning.step_counts import StepCounts

MOST_PLACES = 100
"""Most places that are named."""
_COUNTERS = ("set_aside", "lengths", "lengths_written", "sources", "sources_written", "characters_written")


@dataclasses.dataclass
class PartCounts:
    """Counts of a part's rows and documents: `rows` = `dropped` + `kept` + rows that are no documents."""

    rows: int = 0
    """Rows that are not blank."""
    set_aside: Counter[str] = dataclasses.field(default_factory=Counter)
    """Reason -> rows that are no documents, or on which a rule failed."""
    damaged: int = 0
    """Files that could not be read to their end."""
    places: list[str] = dataclasses.field(default_factory=list)
    """Places of the first faults, in words."""
    kept: int = 0
    """Documents that all rules kept."""
    pieces: int = 0
    """Documents that were written: those that were kept, long ones in pieces."""
    characters: int = 0
    """Characters that were written."""
    lengths: Counter[str] = dataclasses.field(default_factory=Counter)
    """Histogram of the documents that were read: `length_bucket` -> documents."""
    lengths_written: Counter[str] = dataclasses.field(default_factory=Counter)
    """The same of those that were written."""
    sources: Counter[str] = dataclasses.field(default_factory=Counter)
    """Source -> documents that were read."""
    sources_written: Counter[str] = dataclasses.field(default_factory=Counter)
    """Source -> documents that were written."""
    characters_written: Counter[str] = dataclasses.field(default_factory=Counter)
    """Source -> characters that were written."""
    steps: dict[str, StepCounts] = dataclasses.field(default_factory=dict)
    """Name of a rule -> its counts, in order."""

    def see(self, text: str, source: str) -> None:
        """Count a document that was read."""
        self.lengths[length_bucket(text)] += 1
        self.sources[source] += 1

    def write(self, text: str, source: str) -> None:
        """Count a document that is written."""
        self.pieces += 1
        self.characters += len(text)
        self.lengths_written[length_bucket(text)] += 1
        self.sources_written[source] += 1
        self.characters_written[source] += len(text)

    @property
    def dropped(self) -> int:
        """Return the number of documents that rules dropped."""
        return sum(step.dropped.total() for step in self.steps.values())

    def add(self, other: "PartCounts") -> None:
        """Add the counts of another part."""
        for name in ("rows", "damaged", "kept", "pieces", "characters"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in _COUNTERS:
            getattr(self, name).update(getattr(other, name))
        self.places = [*self.places, *other.places][:MOST_PLACES]
        for name, step in other.steps.items():
            self.steps.setdefault(name, StepCounts()).add(step)

    def to_plain(self) -> dict[str, Any]:
        """Return the counts as JSON values."""
        steps = {name: step.to_plain() for name, step in self.steps.items()}
        return dict(vars(self)) | {name: dict(getattr(self, name)) for name in _COUNTERS} | {"steps": steps}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "PartCounts":
        """Return the counts that `to_plain` returned."""
        steps = {name: StepCounts.from_plain(step) for name, step in plain["steps"].items()}
        return cls(**plain | {name: Counter(plain[name]) for name in _COUNTERS} | {"steps": steps})


def length_bucket(text: str) -> str:
    """Return the least power of two that is longer than a text, in characters."""
    return str(1 << len(text).bit_length())


def read_counts(path: Path) -> PartCounts:
    """Return the counts of a file that `PartCounts.to_plain` made."""
    return PartCounts.from_plain(json.loads(path.read_text("utf-8")))
