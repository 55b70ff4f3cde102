"""Clean one part: read its documents, apply the rules, and write what is left with counts of what happened."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.errors import CommandError
from tanuki_jax.corpus.cleaning.draft import Draft, seed_of
from tanuki_jax.corpus.cleaning.engines.stage import Beacon
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
"""Most places that are named for each kind of fault."""


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


def _cleaned(part: Part, pipeline: Pipeline, counts: PartCounts, beacon: Beacon) -> Iterator[Document]:
    """Yield the documents of a part that are kept, in order."""
    steps = list(zip(counts.steps.items(), pipeline.rules, strict=True))
    for read in drafts_of(part, beacon):
        counts.rows += not isinstance(read, NoDocument) or read.is_row
        if isinstance(read, NoDocument):
            _set_aside(counts, read)
            continue
        place = place_of(str(read.metadata["file"]), int(str(read.metadata["row"])))
        try:
            counts.see(read.text, str(read.metadata["source"]))
            kept = _apply(read, steps)
        except CommandError:  # a fault of the settings, not of the record
            raise
        except Exception as error:
            reason = "a record on which a rule failed"
            _set_aside(counts, NoDocument(reason, f"{place}: {type(error).__name__}: {error!s:.200}"))
            continue
        if kept:
            counts.kept += 1
            for document in _documents(read, pipeline.split_characters):
                counts.write(document.text, str(document.metadata["source"]))
                yield document


def _apply(draft: Draft, steps: list[Any]) -> bool:
    """Apply the rules to a draft, and count what they do. Return whether it is kept."""
    changes: dict[str, int] = {}
    source, url = str(draft.metadata["source"]), draft.metadata.get("url")
    id = f"{source}: {url if isinstance(url, str) and url else draft.id}"
    for (name, counts), rule in steps:
        before, began = draft.text, time.perf_counter()
        reason = rule.apply(draft)
        counts.seconds += time.perf_counter() - began
        place = draft.seed ^ seed_of(name)  # other samples for every rule
        counts.count(before, draft.text, reason, source=source, id=id, place=place)
        if reason:
            return False
        if draft.text != before:
            changes[name] = len(before) - len(draft.text)
    draft.metadata["changes"] = changes
    return True


def _set_aside(counts: PartCounts, fault: NoDocument) -> None:
    if fault.is_row:
        counts.set_aside[fault.reason] += 1
    else:
        counts.damaged += 1
        counts.places.insert(0, fault.place)
        return
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
