"""Counts and samples of what each rule did, which can be added up over parts."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tanuki_jax.corpus.cleaning.draft import Measure

SAMPLES = 3
"""Documents of each group that are kept as samples."""
MOST_GROUPS = 24
"""Most groups of which samples are kept, the first ones by name."""
SAMPLE_CHARACTERS = 1_200
"""Characters of a sample that are kept."""
BORDERLINE_CHARACTERS = 400
"""Characters of a sample near a limit that are kept."""


@dataclass
class Samples:
    """Some of the documents that were offered, whatever their order: of each group those with the least distances,
    and with the least seeds where these are equal."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    _last: dict[str, tuple[float, int]] = field(default_factory=dict, compare=False, repr=False)
    """Group -> distance and seed of its last document, if it has as many as are kept."""

    def wants(self, seed: int, group: str = "", distance: float = 0.0) -> bool:
        """Whether a document may be among the first of its group."""
        last = self._last.get(group)
        return last is None or (distance, seed) < last

    def offer(self, seed: int, group: str = "", distance: float = 0.0, **values: object) -> None:
        """Keep the values if the document is among the first of its group, and has another seed."""
        if not self.wants(seed, group, distance):
            return
        cut = {name: value[:SAMPLE_CHARACTERS] if isinstance(value, str) else value for name, value in values.items()}
        self.add([{"group": group, "distance": distance, "seed": seed} | cut])

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        """Add the rows of other samples."""
        groups: dict[str, dict[int, dict[str, Any]]] = {}
        for row in sorted([*self.rows, *rows], key=lambda row: (row["group"], row["distance"], row["seed"])):
            kept = groups.setdefault(row["group"], {})
            if len(kept) < SAMPLES:
                kept.setdefault(row["seed"], row)
        for group in sorted(groups)[MOST_GROUPS:]:
            del groups[group]
            self._last[group] = -1.0, 0  # none of its documents is kept
        for group, kept in groups.items():
            if len(kept) == SAMPLES:
                last = list(kept.values())[-1]
                self._last[group] = last["distance"], last["seed"]
        self.rows = [row for kept in groups.values() for row in kept.values()]


@dataclass
class StepCounts:
    """Counts of the documents that reached one rule."""

    documents: int = 0
    """Documents that reached it."""
    characters: int = 0
    """Characters of these documents."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Reason -> documents that were dropped for it."""
    dropped_of: Counter[str] = field(default_factory=Counter)
    """Source -> documents of it that were dropped."""
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
    borderline_samples: Samples = field(default_factory=Samples)
    """Documents nearest to each limit, in two groups: dropped and kept."""

    def count(
        self,
        before: str,
        after: str,
        reason: str,
        *,
        source: str,
        id: str,
        place: int,
        nearest: Measure | None = None,
    ) -> None:
        """Count what the step did to a document, and offer it as a sample.

        Args:
            before: text that reached the step.
            after: text that it left.
            reason: reason for which it dropped the document; empty: it did not.
            source: name of the document's source.
            id: name that a sample is shown under.
            place: number by which samples are drawn, the least first.
            nearest: measure by which the document was dropped, or nearly.
        """
        self.documents += 1
        self.characters += len(before)
        if reason:
            self.dropped[reason] += 1
            self.dropped_of[source] += 1
            self.characters_dropped += len(before)
            measured = f"{nearest.name} is {nearest.value:.4g}, limit {nearest.limit:.4g}" if nearest else ""
            self.dropped_samples.offer(place, reason, id=id, reason=reason, measured=measured, text=before)
        elif after != before:
            self.changed += 1
            self.characters_cut += len(before) - len(after)
            self.changed_samples.offer(place, id=id, before=before, text=after)
        else:
            self.kept_samples.offer(place, id=id, text=before)
        if nearest is not None:
            self._offer_near(nearest, place, "dropped" if reason else "kept", id, before)

    def _offer_near(self, nearest: Measure, place: int, side: str, id: str, text: str) -> None:
        group = f"{nearest.name}, {side}"
        if self.borderline_samples.wants(place, group, nearest.distance):
            values = {"side": side, "name": nearest.name, "value": nearest.value, "limit": nearest.limit}
            short = text[:BORDERLINE_CHARACTERS]
            self.borderline_samples.offer(place, group, nearest.distance, id=id, text=short, **values)

    def add(self, other: "StepCounts") -> None:
        """Add the counts of another part."""
        self.documents += other.documents
        self.characters += other.characters
        self.dropped += other.dropped
        self.dropped_of += other.dropped_of
        self.characters_dropped += other.characters_dropped
        self.changed += other.changed
        self.characters_cut += other.characters_cut
        self.seconds += other.seconds
        for name, value in vars(self).items():
            if isinstance(value, Samples):
                value.add(getattr(other, name).rows)

    def to_plain(self) -> dict[str, Any]:
        """Return the counts as JSON values."""
        plain = dict(vars(self)) | {"dropped": dict(self.dropped), "dropped_of": dict(self.dropped_of)}
        return {name: value.rows if isinstance(value, Samples) else value for name, value in plain.items()}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "StepCounts":
        """Return the counts that `to_plain` returned."""
        read: dict[str, Any] = {
            name: Samples(value) if name.endswith("_samples") else value for name, value in plain.items()
        }
        return cls(**read | {name: Counter(plain[name]) for name in ("dropped", "dropped_of")})
