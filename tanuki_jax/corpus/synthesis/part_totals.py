"""Counts of the items of a part, which add up to those of a run."""

import dataclasses
from collections import Counter
from typing import Any, Self


def most_common(counts: Counter[str], most: int = 3) -> str:
    """Return the most frequent reasons in words, as in "12 x the answer was cut off, 3 x no question"."""
    return ", ".join(f"{count:,} x {reason}" for reason, count in counts.most_common(most))


@dataclasses.dataclass
class PartTotals:
    """Items by how they ended, and what the teacher was asked."""

    kept: int = 0
    dropped: Counter[str] = dataclasses.field(default_factory=Counter)
    """Items without a record, by the reason."""
    failed: Counter[str] = dataclasses.field(default_factory=Counter)
    """Items of which a request failed, by the kind of failure."""
    templates: Counter[str] = dataclasses.field(default_factory=Counter)
    """Answers by the template of their request."""
    requests: int = 0
    """Answers of the teacher and the judge, those of earlier starts of the run included."""
    reused: int = 0
    """Answers among them that an earlier start had asked for."""
    input_tokens: int = 0
    output_tokens: int = 0
    output_characters: int = 0
    """Characters of all answers, whose tokens are counted beside them."""
    cost: float = 0.0
    """Price of all answers."""
    characters: int = 0
    """Characters of the records that were kept."""

    @property
    def finished(self) -> int:
        """Return the number of items that ended."""
        return self.kept + self.dropped.total() + self.failed.total()

    def add(self, other: Self) -> None:
        """Add the counts of another part."""
        for field in dataclasses.fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))

    def to_plain(self) -> dict[str, Any]:
        """Return the counts as JSON values."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: dict(value) if isinstance(value, Counter) else value for name, value in values.items()}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Self:
        """Return counts from JSON values; those that another version had, or had not, are left out, or 0."""
        counts = cls()
        for field in dataclasses.fields(cls):
            if field.name in plain:
                value = plain[field.name]
                setattr(counts, field.name, Counter(value) if isinstance(value, dict) else value)
        return counts
