"""Tokens of a run, estimated from its characters and from some of its documents."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tanuki_jax.corpus.cleaning.part_file import read_part
from tanuki_jax.corpus.cleaning.run_cleaning import Cleaned
from tanuki_jax.corpus.cleaning.run_folder import CLEAN

PARTS = 20
"""Parts of each source from which documents are encoded."""
DOCUMENTS = 1_000
"""Documents of each source that are encoded, the first ones of these parts."""
CHARACTERS = 5_000
"""Characters of each of them that are encoded."""


class Encoder(Protocol):
    """A tokenizer."""

    def encode(self, text: str) -> Sequence[int]:
        """Return the ids of a text."""
        ...


@dataclass(frozen=True)
class TokenEstimate:
    """Estimated numbers of tokens."""

    sources: Mapping[str, int]
    """Source -> tokens of its written documents."""
    per_character: float
    """Tokens a character of the written documents."""
    documents: int
    """Number of documents that were encoded for it."""

    @property
    def written(self) -> int:
        """Return the tokens of all written documents."""
        return sum(self.sources.values())


def estimated(run: Cleaned, encoder: Encoder) -> TokenEstimate:
    """Return the tokens of a finished run. This takes seconds, for a thousand documents of each source are encoded."""
    sources: dict[str, int] = {}
    count = 0
    for source, characters in run.written.characters_written.items():
        texts = list(_sample(run, source))
        known = sum(map(len, texts))
        tokens = sum(len(encoder.encode(text)) for text in texts)
        sources[source] = round(characters * tokens / known) if known else 0
        count += len(texts)
    return TokenEstimate(sources, sum(sources.values()) / max(run.written.characters, 1), count)


def _sample(run: Cleaned, source: str) -> Iterator[str]:
    """Yield the beginnings of some documents of a source that the rules kept."""
    parts = [part for part in run.parts.parts if part.source == source]
    chosen = parts[:: -(-len(parts) // PARTS)]
    for part in chosen:
        documents = read_part(run.folder / CLEAN / f"{part.name}.parquet")
        for document in itertools.islice(documents, -(-DOCUMENTS // len(chosen))):
            yield document.text[:CHARACTERS]
