"""Counts and samples of what each rule did, which can be added up over parts."""

import heapq
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

SAMPLES = 4
"""Documents of each kind that are kept as samples of a rule: those with the least seeds, whatever the parts."""
SAMPLE_CHARACTERS = 1_200
"""Characters of a sample that are kept."""


@dataclass
class Samples:
    """The documents with the least seeds among all that were offered."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def offer(self, seed: int, **values: str) -> None:
        """Keep the values if the seed is among the least."""
        if len(self.rows) == SAMPLES and seed >= self.rows[-1]["seed"]:
            return
        row = {"seed": seed} | {name: value[:SAMPLE_CHARACTERS] for name, value in values.items()}
        self.rows = heapq.nsmallest(SAMPLES, [*self.rows, row], key=lambda each: each["seed"])


@dataclass
class StepCounts:
    """Counts of the documents that reached one rule."""

    documents: int = 0
    """Documents that reached it."""
    characters: int = 0
    """Characters of these documents."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Reason -> documents that were dropped for it."""
    characters_dropped: int = 0
    """Characters of the dropped documents."""
    changed: int = 0
    """Documents that were kept with another text."""
    characters_cut: int = 0
    """Characters that they lost."""
    seconds: float = 0.0
    """Time that the rule took."""
    dropped_samples: Samples = field(default_factory=Samples)
    changed_samples: Samples = field(default_factory=Samples)
    kept_samples: Samples = field(default_factory=Samples)

    def add(self, other: "StepCounts") -> None:
        """Add the counts of another part."""
        self.documents += other.documents
        self.characters += other.characters
        self.dropped += other.dropped
        self.characters_dropped += other.characters_dropped
        self.changed += other.changed
        self.characters_cut += other.characters_cut
        self.seconds += other.seconds
        for name in ("dropped_samples", "changed_samples", "kept_samples"):
            own, others = getattr(self, name), getattr(other, name)
            own.rows = heapq.nsmallest(SAMPLES, [*own.rows, *others.rows], key=lambda each: each["seed"])

    def to_plain(self) -> dict[str, Any]:
        """Return the counts as JSON values."""
        plain = dict(vars(self)) | {"dropped": dict(self.dropped)}
        return {name: value.rows if isinstance(value, Samples) else value for name, value in plain.items()}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "StepCounts":
        """Return the counts that `to_plain` returned."""
        read: dict[str, Any] = {
            name: Samples(value) if name.endswith("_samples") else value for name, value in plain.items()
        }
        return cls(**read | {"dropped": Counter(plain["dropped"])})
