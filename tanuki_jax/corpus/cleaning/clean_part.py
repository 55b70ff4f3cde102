"""Clean one part: read its documents, apply the rules, and write what is left with counts of what happened."""

import dataclasses
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.engines.stage import Beacon
from tanuki_jax.corpus.cleaning.part_file import write_part
from tanuki_jax.corpus.cleaning.parts import Part
from tanuki_jax.corpus.cleaning.pipeline import Pipeline, names_of_rules
from tanuki_jax.corpus.cleaning.read_drafts import NoDocument, drafts_of
from tanuki_jax.corpus.cleaning.split_text import split_text
from tanuki_jax.corpus.cleaning.step_counts import StepCounts
from tanuki_jax.corpus.records.types import Document

PARTIAL_SECONDS = 1.0
"""Seconds between two looks at a part's counts."""
MOST_PLACES = 20
"""Most places that are named for each kind of fault."""


@dataclasses.dataclass
class PartCounts:
    """What was in a part, and what became of it: `rows` = `dropped` + `kept` + rows that are no documents."""

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
    steps: dict[str, StepCounts] = dataclasses.field(default_factory=dict)
    """Name of a rule -> its counts, in order."""

    @property
    def dropped(self) -> int:
        """Return the number of documents that rules dropped."""
        return sum(step.dropped.total() for step in self.steps.values())

    def add(self, other: "PartCounts") -> None:
        """Add the counts of another part."""
        for name in ("rows", "damaged", "kept", "pieces", "characters"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.set_aside += other.set_aside
        self.places += other.places
        for name, step in other.steps.items():
            self.steps.setdefault(name, StepCounts()).add(step)

    def to_plain(self) -> dict[str, Any]:
        """Return the counts as JSON values."""
        steps = {name: step.to_plain() for name, step in self.steps.items()}
        return dict(vars(self)) | {"set_aside": dict(self.set_aside), "steps": steps}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "PartCounts":
        """Return the counts that `to_plain` returned."""
        steps = {name: StepCounts.from_plain(step) for name, step in plain["steps"].items()}
        return cls(**plain | {"set_aside": Counter(plain["set_aside"]), "steps": steps})


def clean_part(part: Part, pipeline: Pipeline, documents: Path, counts_path: Path, beacon: Beacon) -> None:
    """Clean a part, and write its documents, then its counts. The part is complete once the counts are there."""
    counts = PartCounts(steps={name: StepCounts() for name in names_of_rules(pipeline.rules)})
    partial = partial_path(counts_path)
    write_part(documents, _reporting(_cleaned(part, pipeline, counts, beacon), counts, partial))
    replace_text(counts_path, json.dumps(counts.to_plain(), ensure_ascii=False))
    partial.unlink(missing_ok=True)


def partial_path(counts_path: Path) -> Path:
    """Return the file of a part's counts so far, while it is being cleaned."""
    return counts_path.with_name(f".{counts_path.name}.partial")


def _reporting(documents: Iterator[Document], counts: PartCounts, partial: Path) -> Iterator[Document]:
    """Yield the documents, and write the counts so far every second."""
    written = time.monotonic()
    for document in documents:
        if (now := time.monotonic()) - written > PARTIAL_SECONDS:
            partial.write_text(json.dumps(counts.to_plain(), ensure_ascii=False), "utf-8")
            written = now
        yield document


def read_counts(path: Path) -> PartCounts:
    """Return the counts of a part."""
    return PartCounts.from_plain(json.loads(path.read_text("utf-8")))


def _cleaned(part: Part, pipeline: Pipeline, counts: PartCounts, beacon: Beacon) -> Iterator[Document]:
    """Yield the documents of a part that are kept, in order."""
    steps = list(zip(counts.steps.items(), pipeline.rules, strict=True))
    for number, read in enumerate(drafts_of(part)):
        beacon.show(number)
        counts.rows += not isinstance(read, NoDocument) or read.is_row
        if isinstance(read, NoDocument):
            _set_aside(counts, read)
            continue
        place = f"{read.metadata['file']}:{read.metadata['row']}"
        if number in beacon.skipped:
            _set_aside(counts, NoDocument("a record on which a worker failed", f"{place}: it {beacon.skipped[number]}"))
            continue
        try:
            kept = _apply(read, steps)
        except Exception as error:
            reason = "a record on which a rule failed"
            _set_aside(counts, NoDocument(reason, f"{place}: {type(error).__name__}: {error!s:.200}"))
            continue
        if kept:
            counts.kept += 1
            for document in _documents(read, pipeline.split_characters):
                counts.pieces += 1
                counts.characters += len(document.text)
                yield document


def _apply(draft: Draft, steps: list[Any]) -> bool:
    """Apply the rules to a draft, and count what they do. Return whether it is kept."""
    changes: dict[str, int] = {}
    for (name, counts), rule in steps:
        before, began = draft.text, time.perf_counter()
        reason = rule.apply(draft)
        counts.seconds += time.perf_counter() - began
        counts.documents += 1
        counts.characters += len(before)
        if reason:
            counts.dropped[reason] += 1
            counts.characters_dropped += len(before)
            counts.dropped_samples.offer(draft.seed, id=draft.id, reason=reason, text=before)
            return False
        if draft.text != before:
            changes[name] = len(before) - len(draft.text)
            counts.changed += 1
            counts.characters_cut += changes[name]
            counts.changed_samples.offer(draft.seed, id=draft.id, before=before, text=draft.text)
        else:
            counts.kept_samples.offer(draft.seed, id=draft.id, text=before)
    draft.metadata["changes"] = changes
    return True


def _set_aside(counts: PartCounts, fault: NoDocument) -> None:
    if fault.is_row:
        counts.set_aside[fault.reason] += 1
    else:
        counts.damaged += 1
    if len(counts.places) < MOST_PLACES:
        counts.places.append(fault.place)


def _documents(draft: Draft, split_characters: int) -> Iterator[Document]:
    """Yield a draft as a document, or as several if it is long."""
    metadata = draft.metadata | ({"scores": draft.scores} if draft.scores else {})
    pieces = split_text(draft.text, split_characters)
    if len(pieces) == 1:
        yield Document(draft.id, pieces[0], metadata)
        return
    for number, piece in enumerate(pieces):
        yield Document(f"{draft.id}#{number}", piece, metadata | {"parents": [draft.id]})
