"""Postings: where each spelling stands in the documents of a part, as a Parquet file of the part.

Columns: `spelling`, `inside`, `document` (its number in the part), `start` and `stop` (code points of the text after
NFKC), `id` (hash of the document's id), and `sketch` (of the text around). Rows are in the order of the columns, so
that those of a spelling are read without the others. The file's metadata has the number of documents and characters.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tanuki_jax.base.atomic import replacing
from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.draft import seed_of
from tanuki_jax.corpus.cleaning.parts import Part
from tanuki_jax.corpus.coverage.context_sketch import BINS, CONTEXT, sketches
from tanuki_jax.corpus.coverage.normalized_batch import NormalizedBatch, normalized
from tanuki_jax.corpus.coverage.spelling_finder import Found, SpellingFinder
from tanuki_jax.corpus.records.read import read
from tanuki_jax.corpus.records.types import Document

FORMAT = f"1: {BINS} bins of 3-grams, {CONTEXT} characters on each side"
"""Changes whenever postings of one text would."""
_COUNTS = b"tanuki_jax.coverage"
_BATCH_CHARACTERS = 1 << 19
_GONE = (FileNotFoundError, PermissionError, ConnectionError, TimeoutError)
_SCHEMA = pa.schema(
    [
        ("spelling", pa.string()),
        ("inside", pa.bool_()),
        ("document", pa.uint32()),
        ("start", pa.uint32()),
        ("stop", pa.uint32()),
        ("id", pa.uint64()),
        ("sketch", pa.binary(BINS)),
    ]
)


class Counts(NamedTuple):
    """Numbers of what a part consists of."""

    documents: int
    characters: int
    """Code points after NFKC."""
    unreadable: int
    """Rows without a document: damaged, without a text, or of another kind, such as conversations."""


@dataclass(frozen=True)
class ScanTask:
    """The scan of one part for some spellings."""

    part: Part
    spellings: tuple[tuple[str, bool], ...]
    out: Path

    def run(self) -> None:
        """Write the postings."""
        finder, tables = SpellingFinder(self.spellings), []
        documents = characters = unreadable = 0
        for records in _batches(self.part):
            kept = [record for record in records if record is not None]
            batch = normalized([record.text for record in kept])
            ids = np.array([seed_of(record.id) for record in kept], np.uint64)
            tables.append(self._table(batch, finder.find(batch), ids, documents))
            documents, unreadable = documents + len(kept), unreadable + len(records) - len(kept)
            characters += len(batch.codes) - len(kept)
        write_postings(self.out, tables, Counts(documents, characters, unreadable))

    def _table(self, batch: NormalizedBatch, found: Found, ids: npt.NDArray[np.uint64], before: int) -> pa.Table:
        """Return the postings of a batch, with `before` documents before it in the part."""
        first, last = batch.starts[found.document], batch.starts[found.document + 1] - 1
        sketched = sketches(batch.codes, found.start, found.stop, first, last)
        names = pa.array([spelling for spelling, _ in self.spellings], pa.string())
        inside = np.array([inside for _, inside in self.spellings], np.bool_)
        binary = pa.FixedSizeBinaryArray.from_buffers(
            _SCHEMA.field("sketch").type, len(first), [None, pa.py_buffer(sketched.tobytes())]
        )
        columns = [
            pa.DictionaryArray.from_arrays(pa.array(found.spelling.astype(np.int32)), names).cast(pa.string()),
            pa.array(inside[found.spelling]),
            pa.array((found.document + before).astype(np.uint32)),
            pa.array((found.start - first).astype(np.uint32)),
            pa.array((found.stop - first).astype(np.uint32)),
            pa.array(ids[found.document]),
            binary,
        ]
        return pa.Table.from_arrays(columns, schema=_SCHEMA)


def write_postings(path: Path, tables: Sequence[pa.Table], counts: Counts) -> None:
    """Write postings in their order; the file appears once it is complete."""
    table = pa.concat_tables(tables) if tables else _SCHEMA.empty_table()
    keys = [(name, "ascending") for name in ("spelling", "inside", "document", "start")]
    table = table.take(pc.sort_indices(table, sort_keys=keys))
    table = table.replace_schema_metadata({_COUNTS: json.dumps([FORMAT, *counts]).encode()})
    with replacing(path) as partial:
        pq.write_table(
            table, partial, compression="zstd", row_group_size=1 << 17, use_dictionary=["spelling", "inside"]
        )


def read_counts(path: Path) -> Counts:
    """Return what the part of a postings file consists of."""
    metadata: dict[bytes, bytes] = pq.read_schema(path).metadata or {}
    _, *counts = json.loads(metadata[_COUNTS])
    return Counts(*counts)


def rows_of(part: Part) -> Iterable[Document | None]:
    """Yield the documents of a part in order; None for a row that is none, and for the rest of a damaged file.

    InputError if a file is gone or cannot be reached, which may be another time.
    """
    for slice in part.slices:
        try:
            for row in read(slice, text_field=part.text_field, only_needed=True):
                yield row.record if isinstance(row.record, Document) else None
        except InputError as error:
            if isinstance(error.__cause__, _GONE):
                raise
            yield None


def _batches(part: Part) -> Iterable[list[Document | None]]:
    """Yield the rows of a part, some at a time."""
    records: list[Document | None] = []
    characters = 0
    for record in rows_of(part):
        records.append(record)
        characters += 0 if record is None else len(record.text)
        if characters > _BATCH_CHARACTERS:
            yield records
            records, characters = [], 0
    if records:
        yield records
