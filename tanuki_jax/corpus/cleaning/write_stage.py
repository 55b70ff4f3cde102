"""The last stage of a run: each part loses what was found across documents, and is written."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.corpus.cleaning.across_documents import Findings
from tanuki_jax.corpus.cleaning.contamination.decontaminate import Decontaminated, decontaminate, read_evidence
from tanuki_jax.corpus.cleaning.contamination.evaluation_items import load
from tanuki_jax.corpus.cleaning.draft import seed_of
from tanuki_jax.corpus.cleaning.duplicates.array_file import ArrayFile
from tanuki_jax.corpus.cleaning.duplicates.clusters import FATES
from tanuki_jax.corpus.cleaning.part_counts import PartCounts
from tanuki_jax.corpus.cleaning.part_file import read_part
from tanuki_jax.corpus.cleaning.pipeline import Pipeline
from tanuki_jax.corpus.cleaning.repeats.copied_passages import cut_copied, passage_settings
from tanuki_jax.corpus.cleaning.repeats.count_repeats import read_repeats
from tanuki_jax.corpus.cleaning.repeats.repeated_lines import line_settings, remove_repeated
from tanuki_jax.corpus.cleaning.step_counts import StepCounts
from tanuki_jax.corpus.records.types import Document
from tanuki_jax.corpus.records.write import write

COPIES, LINES, PASSAGES, ITEMS, LEFT = "duplicates", "repeated_lines", "copied_passages", "evaluation", "what_is_left"
STEPS = (COPIES, PASSAGES, LINES, ITEMS, LEFT)
"""Names of the steps across documents, in order."""
MOST_LISTED = 1_000
"""Most contaminated documents of a part that are listed."""


@dataclass(frozen=True)
class WriteTask:
    """Writing of one part."""

    part: Path
    findings: Findings
    documents: Path
    """File of the documents, in a format of `tanuki_jax.corpus.records`."""
    out: Path
    """File of the counts, which is written last."""
    pipeline: Pipeline

    def run(self) -> None:
        """Write documents and counts."""
        counts = PartCounts(steps={name: StepCounts() for name in STEPS})
        listed: list[dict[str, object]] = []
        write(self.documents, self._written(counts, listed))
        replace_text(self.out, json.dumps(counts.to_plain() | {"contaminated": listed}, ensure_ascii=False))

    def _written(self, counts: PartCounts, listed: list[dict[str, object]]) -> Iterator[Document]:
        copies, cut = _fates(self.findings.fates), _cutting(self.pipeline, self.findings)
        clean = _decontaminating(self.pipeline, self.findings)
        for row, document in enumerate(read_part(self.part)):
            counts.rows += 1
            counts.see(document.text, str(document.metadata["source"]))
            before, seed = document.text, seed_of(document.text)
            if copies is not None:
                kept, size = copies
                _count(counts, COPIES, seed, document, document.text if kept[row] else "", "a copy of another document")
                if not kept[row]:
                    continue
                document = replace(document, metadata={**document.metadata, "cluster_size": int(size[row])})
            for name, remove in cut.items():
                document = _count(counts, name, seed, document, remove(document.text), "nothing is left")
            if clean is not None and document.text:
                result = clean(document.text)
                if result.items and len(listed) < MOST_LISTED:
                    listed.append({"id": document.id, "dropped": not result.text, "items": result.items[:10]})
                document = _count(counts, ITEMS, seed, document, result.text, "mostly evaluation items")
            if cut or clean is not None:
                whole = document.text == before
                enough = whole or sum(map(len, document.text.split())) >= self.pipeline.shortest_left
                rest = document.text if enough else ""
                document = _count(counts, LEFT, seed, document, rest, "too little is left")
            if document.text:
                counts.kept += 1
                counts.write(document.text, str(document.metadata["source"]))
                yield document


def _count(counts: PartCounts, name: str, seed: int, document: Document, text: str, reason: str) -> Document:
    """Count what a step made of a document's text, and return the document with the new text; empty: it is dropped.

    The step does nothing to a document that was dropped before.
    """
    before, source = document.text, str(document.metadata["source"])
    if not before:
        return document
    place = seed ^ seed_of(name)  # other samples for every step
    counts.steps[name].count(before, text, "" if text else reason, source=source, id=document.id, place=place)
    if not text or text == before:
        return replace(document, text=text)
    changes = document.metadata.get("changes")
    known = changes if isinstance(changes, dict) else {}
    changed = {**known, name: len(before) - len(text)}
    return replace(document, text=text, metadata={**document.metadata, "changes": changed})


def _fates(path: Path | None) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.uint32]] | None:
    if path is None:
        return None
    file = ArrayFile(path, FATES, {})
    return file.read("kept"), file.read("sizes")


def _cutting(pipeline: Pipeline, findings: Findings) -> dict[str, Callable[[str], str]]:
    """Return name of a step -> function that cuts a text, passages first: they are those of the text as it was."""
    settings, cut = pipeline.repeats, dict[str, Callable[[str], str]]()
    if settings is not None:
        assert findings.passages is not None and findings.lines is not None
        passages = read_repeats(findings.passages, passage_settings(settings))
        lines, _ = read_repeats(findings.lines, line_settings(settings))
        cut[PASSAGES] = lambda text: cut_copied(text, *passages, settings) if text else text
        cut[LINES] = lambda text: remove_repeated(text, lines, settings) if text else text
    return cut


def _decontaminating(pipeline: Pipeline, findings: Findings) -> Callable[[str], Decontaminated] | None:
    settings = pipeline.evaluation
    if settings is None:
        return None
    assert findings.evidence is not None
    index = load(settings)
    counted = read_evidence(findings.evidence, index)
    return lambda text: decontaminate(text, index, counted, settings)
