"""Clean one part: read its documents, apply the rules, and write what is left with counts of what happened."""

import itertools
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.errors import CommandError
from tanuki_jax.corpus.cleaning.draft import BatchRule, Draft, Rule, seed_of
from tanuki_jax.corpus.cleaning.engines.stage import BEFORE_FIRST, Beacon
from tanuki_jax.corpus.cleaning.part_counts import PartCounts
from tanuki_jax.corpus.cleaning.part_file import write_part
from tanuki_jax.corpus.cleaning.parts import Part
from tanuki_jax.corpus.cleaning.pipeline import Pipeline, names_of_rules
from tanuki_jax.corpus.cleaning.read_drafts import NoDocument, drafts_of, place_of
from tanuki_jax.corpus.cleaning.split_text import split_text
from tanuki_jax.corpus.cleaning.step_counts import StepCounts
from tanuki_jax.corpus.records.types import Document

PARTIAL_SECONDS = 1.0
"""Seconds between two looks at a part's counts."""
MOST_PLACES = 20
"""Most places of faults that a part names."""


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
            replace_text(partial, json.dumps(counts.to_plain(), ensure_ascii=False), sync=False)
            written = now
        yield document


@dataclass(slots=True)
class _Work:
    """A draft on its way through the rules."""

    draft: Draft
    record: int
    """Number of its record, as a beacon shows it."""
    shown: str
    """Name that a sample is shown under."""
    changes: dict[str, int] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Return where its row is, in words."""
        return place_of(str(self.draft.metadata["file"]), int(str(self.draft.metadata["row"])))


class _Step(NamedTuple):
    """A rule of a pipeline."""

    name: str
    rule: Rule
    counts: StepCounts
    salt: int
    """Number by which its samples are other documents than those of the other rules."""


def _cleaned(part: Part, pipeline: Pipeline, counts: PartCounts, beacon: Beacon) -> Iterator[Document]:
    """Yield the documents of a part that are kept, in order."""
    named = zip(counts.steps.items(), pipeline.rules, strict=True)
    steps = [_Step(name, rule, of_step, seed_of(name)) for (name, of_step), rule in named]
    works = _read(part, counts, beacon)
    for waits, group in itertools.groupby(steps, lambda step: isinstance(step.rule, BatchRule)):
        works = (_apply_batches if waits else _apply)(works, list(group), counts, beacon)
    for work in works:
        counts.kept += 1
        for document in _documents(work, pipeline.split_characters):
            counts.write(document.text, str(document.metadata["source"]))
            yield document


def _read(part: Part, counts: PartCounts, beacon: Beacon) -> Iterator[_Work]:
    for read in drafts_of(part, beacon):
        counts.rows += not isinstance(read, NoDocument) or read.is_row
        if isinstance(read, NoDocument):
            _set_aside(counts, read)
            continue
        counts.see(read.text, str(read.metadata["source"]))
        url = read.metadata.get("url")
        shown = f"{read.metadata['source']}: {url if isinstance(url, str) and url else read.id}"
        yield _Work(read, beacon.read(), shown)


def _apply(works: Iterator[_Work], steps: Sequence[_Step], counts: PartCounts, beacon: Beacon) -> Iterator[_Work]:
    """Apply rules to each draft, and yield those that all of them keep."""
    for work in works:
        try:
            kept = all(_count(work, step, *_timed(step, work.draft)) for step in steps)
        except CommandError:  # a fault of the settings, not of the record
            raise
        except Exception as error:
            _fail(work, counts, error)
            continue
        if kept:
            yield work


def _timed(step: _Step, draft: Draft) -> tuple[str, str]:
    """Apply a rule. Return the text before, and the reason to drop the draft."""
    draft.nearest = None
    before, began = draft.text, time.perf_counter()
    reason = step.rule.apply(draft)
    step.counts.seconds += time.perf_counter() - began
    return before, reason


def _apply_batches(
    works: Iterator[_Work], steps: Sequence[_Step], counts: PartCounts, beacon: Beacon
) -> Iterator[_Work]:
    """Apply rules that wait to batches of drafts, and yield those that all of them keep."""
    for step in steps:
        works = _apply_batch(works, step, counts, beacon)
    yield from works


def _apply_batch(works: Iterator[_Work], step: _Step, counts: PartCounts, beacon: Beacon) -> Iterator[_Work]:
    assert isinstance(step.rule, BatchRule)
    for batch in itertools.batched(works, step.rule.batch):
        beacon.show(BEFORE_FIRST)  # waiting is the fault of no record
        for work in batch:
            work.draft.nearest = None
        began = time.perf_counter()
        verdicts = step.rule.apply_batch([work.draft for work in batch])
        step.counts.seconds += time.perf_counter() - began
        for work, verdict in zip(batch, verdicts, strict=True):
            beacon.show(work.record)  # for the rules behind this one
            if isinstance(verdict, Exception):
                _fail(work, counts, verdict)
            elif _count(work, step, work.draft.text, verdict):
                yield work


def _count(work: _Work, step: _Step, before: str, reason: str) -> bool:
    """Count what a rule did to a draft, and return whether it is kept."""
    draft = work.draft
    source, place = str(draft.metadata["source"]), draft.seed ^ step.salt
    step.counts.count(before, draft.text, reason, source=source, id=work.shown, place=place, nearest=draft.nearest)
    if not reason and draft.text != before:
        work.changes[step.name] = len(before) - len(draft.text)
    return not reason


def _fail(work: _Work, counts: PartCounts, error: Exception) -> None:
    reason = "a record on which a rule failed"
    _set_aside(counts, NoDocument(reason, f"{work.place}: {type(error).__name__}: {error!s:.200}"))


def _set_aside(counts: PartCounts, fault: NoDocument) -> None:
    if fault.is_row:
        counts.set_aside[fault.reason] += 1
    else:
        counts.damaged += 1
        counts.places.insert(0, fault.place)
        return
    if len(counts.places) < MOST_PLACES:
        counts.places.append(fault.place)


def _documents(work: _Work, split_characters: int) -> Iterator[Document]:
    """Yield a draft as a document, or as several if it is long."""
    draft = work.draft
    metadata = draft.metadata | {"changes": work.changes} | ({"scores": draft.scores} if draft.scores else {})
    pieces = split_text(draft.text, split_characters)
    if len(pieces) == 1:
        yield Document(draft.id, pieces[0], metadata)
        return
    for number, piece in enumerate(pieces):
        yield Document(f"{draft.id}#{number}", piece, metadata | {"parents": [draft.id]})
