"""The documents of a part that were kept, as texts with the hashes by which they are counted."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pyarrow.parquet as pq

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.draft import seed_of
from tanuki_jax.corpus.cleaning.duplicates.array_file import ArrayFile
from tanuki_jax.corpus.cleaning.duplicates.clusters import FATES
from tanuki_jax.corpus.cleaning.duplicates.hash_ranges import Hashes
from tanuki_jax.corpus.cleaning.duplicates.shingles import fold
from tanuki_jax.corpus.cleaning.duplicates.signature_files import hash_of
from tanuki_jax.corpus.cleaning.repeats.repeat_settings import Repeats

_BATCH_ROWS = 256


@dataclass(frozen=True)
class Survivors:
    """Some documents that were kept."""

    texts: list[str]
    """Texts."""
    documents: Hashes
    """Hash of each normalised text, by which its document is called."""
    hosts: Hashes
    """Hash of the host of each address; 0: not known."""


def survivors(part: Path, fates: Path | None, url: str) -> Iterator[Survivors]:
    """Yield the documents of a Parquet file with a column `text`, some rows at a time.

    Args:
        part: file of documents.
        fates: file of the part's fates after near duplicates were found; None: all documents are kept.
        url: column of addresses; empty: hosts are not known.
    """
    kept = None if fates is None else ArrayFile(fates, FATES, {}).read("kept")
    start = 0
    with pq.ParquetFile(part) as file:
        columns = ["text", *([url] if url else [])]
        if missing := set(columns) - set(file.schema_arrow.names):
            raise InputError(
                f"{part} has no column {sorted(missing)[0]!r}; it has {', '.join(file.schema_arrow.names)}"
            )
        for batch in file.iter_batches(_BATCH_ROWS, columns=columns):
            texts, *urls = (column.to_pylist() for column in batch.columns)
            rows = range(len(texts)) if kept is None else np.flatnonzero(kept[start : start + len(texts)]).tolist()
            start += len(texts)
            some = [texts[row] for row in rows]
            hosts = [host_of(urls[0][row]) if urls else 0 for row in rows]
            yield Survivors(some, document_hashes(some), np.array(hosts, np.uint64))


def document_hashes(texts: list[str]) -> Hashes:
    """Return the hash of each normalised text."""
    folded = fold(texts, Repeats().folding())
    return np.array([hash_of(folded, index) for index in range(len(texts))], np.uint64)


def host_of(url: str | None) -> int:
    """Return the hash of the host of an address; 0: it has none."""
    try:
        host = urlsplit(url or "").hostname
    except ValueError:
        return 0
    return seed_of(host) if host else 0
