"""A random sample of documents, drawn by their texts."""

import heapq
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.progress import progress
from tanuki_jax.corpus.cleaning.draft import ENCODING_ERRORS, Draft, seed_of
from tanuki_jax.corpus.cleaning.parts import cut
from tanuki_jax.corpus.cleaning.pipeline import Pipeline
from tanuki_jax.corpus.cleaning.read_drafts import drafts_of

MOST_PARTS = 100
"""Parts of the input from which a sample is drawn."""
_log = logging.getLogger("tanuki_jax.corpus")


class Drawn(NamedTuple):
    """A document of a sample."""

    id: str
    text: str
    url: str = ""


def draw(pipeline: Pipeline, count: int, seed: int, most_parts: int = MOST_PARTS) -> list[Drawn]:
    """Return a random sample of the documents of a pipeline's inputs, as they are before any rule.

    Every different text of the parts that are read has the same chance; the sample is that of the least hashes, so it
    does not depend on order.

    Args:
        pipeline: inputs.
        count: size of the sample; all documents if there are fewer.
        seed: another seed draws another sample.
        most_parts: most parts of the input that are read; of a larger input, as many are drawn.
    """
    least: list[tuple[int, str, str, str]] = []  # negative hashes: the largest of those that are kept is the first
    seen: set[int] = set()
    parts = cut(pipeline, "").parts
    if len(parts) > most_parts:
        _log.info(f"the sample is drawn from {most_parts:,} of {len(parts):,} parts of the input")
        parts = tuple(sorted(parts, key=lambda part: seed_of(f"{seed}:{part.name}"))[:most_parts])
    with progress("draw", None, "document") as advance:
        for part in parts:
            for draft in drafts_of(part):
                if not isinstance(draft, Draft):
                    continue
                advance()
                place = seed_of(f"{seed}:{draft.seed}")
                if place in seen or (len(least) == count and place >= -least[0][0]):
                    continue
                seen.add(place)
                url = draft.metadata.get("url")
                heapq.heappush(least, (-place, draft.id, draft.text, url if isinstance(url, str) else ""))
                if len(least) > count:
                    seen.discard(-heapq.heappop(least)[0])
    if not least:
        raise InputError("the inputs hold no document to draw")
    return [Drawn(*document) for _, *document in sorted(least, reverse=True)]


class LabelFile:
    """Labels in a file of JSON lines, one line a document, which grows with every label."""

    def __init__(self, path: Path) -> None:
        """Read the labels that are there. InputError if a line is not as it should be."""
        self._path = path
        self.labels: dict[str, str] = {}
        self.rows: list[dict[str, str]] = []
        *lines, last = path.read_bytes().split(b"\n") if path.exists() else [b""]
        for number, line in enumerate(lines, start=1):
            if line.strip() and not self._read(line):
                raise InputError(f"{path}, line {number}: not an object with id, text and label")
        # The last line has no end if an editor left it so, or if the command was killed while it wrote a label.
        self._ends, self._unfinished = (b"\n", 0) if last and self._read(last) else (b"", len(last))

    def _read(self, line: bytes) -> bool:
        """Read a label, and return whether there is one."""
        try:
            row = json.loads(line)
            self._keep({name: str(row[name]) for name in ("id", "text", "label")} | {"url": str(row.get("url", ""))})
        except (ValueError, KeyError, TypeError):
            return False
        return True

    def _keep(self, row: dict[str, str]) -> None:
        self.labels[row["text"]] = row["label"]
        self.rows.append(row)

    def add(self, document: Drawn, label: str) -> None:
        """Add a label to the file."""
        row = document._asdict() | {"label": label}
        self._keep(row)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            file.truncate(file.tell() - self._unfinished)
            line = json.dumps(row, ensure_ascii=False).encode("utf-8", ENCODING_ERRORS)
            file.write(self._ends + line + b"\n")
        self._ends, self._unfinished = b"", 0

    def missing(self, drawn: Sequence[Drawn]) -> list[Drawn]:
        """Return the documents without a label."""
        return [document for document in drawn if document.text not in self.labels]
