"""Counts and samples of what each rule did, which can be added up over parts."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tanuki_jax.corpus.cleaning.draft import Measure

SAMPLES = 3
"""Documents of each kind, and of each reason, that are kept as samples: those with the least seeds, whatever the
parts."""
MOST_REASONS = 8
"""Most reasons of which samples are kept, the first ones by name."""
SAMPLE_CHARACTERS = 1_200
"""Characters of a sample that are kept."""
BORDERLINE = 2
"""Documents that are kept on each side of a limit, the nearest ones."""
BORDERLINE_CHARACTERS = 400
"""Characters of them that are kept."""


@dataclass
class Samples:
    """The documents with the least seeds among all that were offered."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def offer(self, seed: int, **values: str) -> None:
        """Keep the values if the seed is among the least of those with the same `reason`, and the text is another."""
        same = [row for row in self.rows if row.get("reason") == values.get("reason")]
        if len(same) == SAMPLES and seed >= same[-1]["seed"]:
            return
        row = {"seed": seed} | {name: value[:SAMPLE_CHARACTERS] for name, value in values.items()}
        self.rows = _least([*self.rows, row])


def _least(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows with the least seeds for each reason, each seed once."""
    by_reason: dict[str, dict[int, dict[str, Any]]] = {}
    for row in rows:
        by_reason.setdefault(row.get("reason", ""), {}).setdefault(row["seed"], row)
    reasons = sorted(by_reason)[:MOST_REASONS]
    return [by_reason[reason][seed] for reason in reasons for seed in sorted(by_reason[reason])[:SAMPLES]]


@dataclass
class Borderline:
    """The documents nearest to each limit of a rule, on its either side."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    _worst: dict[tuple[str, bool], tuple[float, int]] = field(default_factory=dict, compare=False, repr=False)
    """Name of a measure, and whether documents were dropped -> distance and seed from which on no more are kept."""

    def offer(self, measure: Measure, seed: int, *, dropped: bool, id: str, text: str) -> None:
        """Keep a document if it is among the nearest of its side."""
        side = measure.name, dropped
        worst = self._worst.get(side)
        if worst is not None and (measure.distance, seed) >= worst:
            return
        row = measure._asdict() | {"seed": seed, "dropped": dropped, "id": id, "text": text[:BORDERLINE_CHARACTERS]}
        self.add([row])
        same = [row for row in self.rows if (row["name"], row["dropped"]) == side]
        if len(same) == BORDERLINE:
            self._worst[side] = same[-1]["distance"], same[-1]["seed"]

    def add(self, rows: list[dict[str, Any]]) -> None:
        """Add documents, and keep the nearest of each side, each text once."""
        sides: dict[tuple[str, bool], dict[int, dict[str, Any]]] = {}
        for row in sorted(
            [*self.rows, *rows], key=lambda row: (row["name"], row["dropped"], row["distance"], row["seed"])
        ):
            of_side = sides.setdefault((row["name"], row["dropped"]), {})
            if len(of_side) < BORDERLINE:
                of_side.setdefault(row["seed"], row)
        self.rows = [row for of_side in sides.values() for row in of_side.values()]


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
    borderline: Borderline = field(default_factory=Borderline)

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
            self.dropped_samples.offer(place, id=id, reason=reason, measured=measured, text=before)
        elif after != before:
            self.changed += 1
            self.characters_cut += len(before) - len(after)
            self.changed_samples.offer(place, id=id, before=before, text=after)
        else:
            self.kept_samples.offer(place, id=id, text=before)
        if nearest is not None:
            self.borderline.offer(nearest, place, dropped=bool(reason), id=id, text=before)

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
        for name in ("dropped_samples", "changed_samples", "kept_samples"):
            own, others = getattr(self, name), getattr(other, name)
            own.rows = _least([*own.rows, *others.rows])
        self.borderline.add(other.borderline.rows)

    def to_plain(self) -> dict[str, Any]:
        """Return the counts as JSON values."""
        plain = dict(vars(self)) | {"dropped": dict(self.dropped), "dropped_of": dict(self.dropped_of)}
        return {name: getattr(value, "rows", value) for name, value in plain.items()}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "StepCounts":
        """Return the counts that `to_plain` returned."""
        read: dict[str, Any] = {
            name: Samples(value) if name.endswith("_samples") else value for name, value in plain.items()
        }
        counters = {name: Counter(plain[name]) for name in ("dropped", "dropped_of")}
        return cls(**read | counters | {"borderline": Borderline(plain["borderline"])})
