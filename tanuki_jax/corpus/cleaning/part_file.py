"""Documents of a part between two stages: a Parquet file with the columns that later stages look at."""

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tanuki_jax.base.atomic import replacing
from tanuki_jax.corpus.records.fields import to_json
from tanuki_jax.corpus.records.types import Document

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("url", pa.string()),
        ("score", pa.float64()),
        ("metadata", pa.string()),
    ]
)
"""`score` is that of the rule quality, else that of the judge, else 0; `metadata` is JSON, with url and scores."""
_SCORES = ("quality", "judge")
_ROWS = 500


def write_part(path: Path, documents: Iterable[Document]) -> None:
    """Write documents; the file appears once it is complete."""
    with replacing(path) as partial, pq.ParquetWriter(partial, SCHEMA, compression="zstd") as writer:
        for some in itertools.batched(documents, _ROWS):
            writer.write_batch(pa.RecordBatch.from_pylist([_row(document) for document in some], SCHEMA))


def read_part(path: Path) -> Iterator[Document]:
    """Yield the documents of a file in order."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_ROWS, columns=["id", "text", "metadata"]):
            for id, text, metadata in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                yield Document(id, text, json.loads(metadata))


def score_of(scores: Mapping[str, float], otherwise: float) -> float:
    """Return the score by which documents are compared, as when one of several copies is kept."""
    return next((scores[name] for name in _SCORES if name in scores), otherwise)


def _row(document: Document) -> dict[str, object]:
    metadata, scores = document.metadata, document.metadata.get("scores")
    return {
        "id": document.id,
        "text": document.text,
        "url": url if isinstance(url := metadata.get("url"), str) else None,
        "score": score_of(scores, 0.0) if isinstance(scores, dict) else 0.0,
        "metadata": to_json(metadata),
    }
