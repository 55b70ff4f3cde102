"""Writes records to files that `tanuki_jax.corpus.records.read` reads."""

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tanuki_jax.base.atomic import replacing
from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Conversation, Document, Message, Preference

_BATCH_RECORDS = 1000
_ROW_GROUP_BYTES = 64 << 20

type Record = Document | Conversation | Preference

_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
_METADATA = ("metadata", pa.json_(pa.string()))
_SCHEMAS: dict[type[Record], pa.Schema] = {
    Document: pa.schema([("id", pa.string()), ("text", pa.string()), _METADATA]),
    Conversation: pa.schema([("id", pa.string()), ("messages", _MESSAGES), _METADATA]),
    Preference: pa.schema(
        [("id", pa.string()), ("prompt", _MESSAGES), ("chosen", pa.string()), ("rejected", pa.string()), _METADATA]
    ),
}


def write(path: Path, records: Iterable[Record]) -> None:
    """Writes .jsonl, .jsonl.zst or .parquet, as the name says; the file appears under its name only when it is complete.

    Each line or row has the fields of its record (`id`, `text`, ...); messages are {role, content}. Values of metadata for which
    JSON has no form are written as their `str`. InputError for another suffix, and for records of different types in one Parquet file.
    """
    writer = next((writer for suffix, writer in _WRITERS.items() if path.name.endswith(suffix)), None)
    if writer is None:
        raise InputError(f"{path} would be of no known format: its name has to end in {', '.join(_WRITERS)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        writer(partial, records)


def _write_json_lines(path: Path, records: Iterable[Record]) -> None:
    with path.open("wb") as file:
        file.writelines(_lines(records))


def _write_compressed_json_lines(path: Path, records: Iterable[Record]) -> None:
    with pa.CompressedOutputStream(path, "zstd") as stream:
        for line in _lines(records):
            stream.write(line)


def _lines(records: Iterable[Record]) -> Iterator[bytes]:
    for record in records:
        yield (_json(_fields(record)) + "\n").encode()


def _write_parquet(path: Path, records: Iterable[Record]) -> None:
    remaining = iter(records)
    first = next(remaining, None)
    kind = Document if first is None else type(first)
    schema = _SCHEMAS[kind]
    chunks = itertools.batched(itertools.chain([] if first is None else [first], remaining), _BATCH_RECORDS)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        group: list[pa.RecordBatch] = []
        for chunk in chunks:
            if sum(batch.nbytes for batch in group) >= _ROW_GROUP_BYTES:
                writer.write_table(pa.Table.from_batches(group, schema))
                group = []
            group.append(_batch(chunk, kind, schema))
        writer.write_table(pa.Table.from_batches(group, schema))


def _batch(records: Sequence[Record], kind: type[Record], schema: pa.Schema) -> pa.RecordBatch:
    for record in records:
        if type(record) is not kind:
            raise InputError(
                f"a Parquet file holds records of one type, not a {kind.__name__} and a {type(record).__name__} (id {record.id})"
            )
    rows = [_fields(record) for record in records]
    for fields in rows:
        fields["metadata"] = _json(fields.get("metadata", {}))
    return pa.RecordBatch.from_pylist(rows, schema)


def _fields(record: Record) -> dict[str, object]:
    """The fields of a line; `metadata` only if there is any."""
    fields: dict[str, object]
    match record:
        case Document(id, text):
            fields = {"id": id, "text": text}
        case Conversation(id, messages):
            fields = {"id": id, "messages": _turns(messages)}
        case Preference(id, prompt, chosen, rejected):
            fields = {"id": id, "prompt": _turns(prompt), "chosen": chosen, "rejected": rejected}
    return fields | {"metadata": dict(record.metadata)} if record.metadata else fields


def _turns(messages: Iterable[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


_WRITERS: dict[str, Callable[[Path, Iterable[Record]], None]] = {
    ".jsonl": _write_json_lines,
    ".jsonl.zst": _write_compressed_json_lines,
    ".parquet": _write_parquet,
}
