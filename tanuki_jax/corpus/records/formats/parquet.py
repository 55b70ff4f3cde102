"""Parquet files."""

import functools
import itertools
import json
import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.fields import fields_of, to_json
from tanuki_jax.corpus.records.files import LONGEST_RECORD, InputFile, Slice, locate
from tanuki_jax.corpus.records.formats.file_format import Fields
from tanuki_jax.corpus.records.formats.parquet_sizes import rows_at_once, unpacks_to_too_much
from tanuki_jax.corpus.records.types import (
    Conversation,
    Document,
    Malformed,
    Message,
    NotRead,
    Preference,
    Rating,
    Record,
)

_READ_ROWS = 1024
_NOT_HELD = (ValueError, OverflowError, LookupError, ImportError)
"""Errors of Arrow's conversion to Python: of the value, of its range, of a time zone, of a package that is missing."""
_log = logging.getLogger("tanuki_jax.corpus")
_WRITE_RECORDS = 1000
_ROW_GROUP_BYTES = 64 << 20

_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
_METADATA = ("metadata", pa.json_(pa.string()))
_SCHEMAS: dict[type[Record], pa.Schema] = {
    Document: pa.schema([("id", pa.string()), ("text", pa.string()), _METADATA]),
    Conversation: pa.schema([("id", pa.string()), ("messages", _MESSAGES), _METADATA]),
    Preference: pa.schema(
        [("id", pa.string()), ("prompt", _MESSAGES), ("chosen", pa.string()), ("rejected", pa.string()), _METADATA]
    ),
    Rating: pa.schema(
        [("id", pa.string()), ("prompt", _MESSAGES), ("completion", pa.string()), ("label", pa.bool_()), _METADATA]
    ),
}


def split(file: InputFile, bytes_per_slice: int) -> list[Slice]:
    """Cut a file between row groups, into slices of rows with about `bytes_per_slice` uncompressed bytes.

    InputError if the file is damaged.
    """
    system, location = locate(file.path)
    try:
        with system.open_input_file(location) as stored:
            metadata = pq.read_metadata(stored)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{file.path} is not a readable Parquet file: {error}") from error
    names = metadata.schema.to_arrow_schema().names
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"{file.path} has two columns named {twice[0]!r}: rename one of them")
    slices: list[Slice] = []
    start = stop = size = 0
    for index in range(metadata.num_row_groups):
        group = metadata.row_group(index)
        stop += group.num_rows
        size += group.total_byte_size
        if size >= bytes_per_slice:
            slices.append(Slice(file.path, start, stop))
            start, size = stop, 0
    return [*slices, Slice(file.path, start, stop)] if stop > start else slices


def rows(
    slice: Slice, names: Collection[str] | None = None, longest: int = LONGEST_RECORD
) -> Iterator[tuple[int, Fields | Malformed]]:
    """Yield (row number in the file, fields) of each row of the row groups that begin in the slice. Columns that are
    not among `names` are not read, and have the value NOT_READ. A row of more than `longest` bytes is malformed."""
    system, location = locate(slice.path)
    with system.open_input_file(location) as file, pq.ParquetFile(file) as parquet:
        existing = parquet.schema_arrow.names
        columns = [name for name in existing if names is None or name in names]
        left_out: Fields = {name: NotRead.NOT_READ for name in existing if name not in columns}
        first = 0
        for group in range(parquet.num_row_groups):
            about = parquet.metadata.row_group(group)
            if slice.start <= first < slice.stop and about.num_rows:
                if fault := unpacks_to_too_much(about):
                    yield from ((row, Malformed(fault)) for row in range(first, first + about.num_rows))
                else:
                    some = min(_READ_ROWS, rows_at_once(file, about))
                    batches = parquet.iter_batches(some, row_groups=[group], columns=columns if left_out else None)
                    found = (fields for batch in batches for fields in _fields_of_batch(batch, left_out, longest))
                    yield from enumerate(found, first)
            first += about.num_rows


def write(path: Path, records: Iterable[Record]) -> None:
    """Write one row for each record, in row groups of about 64 MiB. InputError if the records are of two types."""
    remaining = iter(records)
    first = next(remaining, None)
    kind = Document if first is None else type(first)
    schema = _SCHEMAS[kind]
    chunks = itertools.batched(itertools.chain([] if first is None else [first], remaining), _WRITE_RECORDS)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        group: list[pa.RecordBatch] = []
        for chunk in chunks:
            if sum(batch.nbytes for batch in group) >= _ROW_GROUP_BYTES:
                writer.write_table(pa.Table.from_batches(group, schema))
                group = []
            group.append(_batch(chunk, kind, schema))
        writer.write_table(pa.Table.from_batches(group, schema))


def _fields_of_batch(batch: pa.RecordBatch, left_out: Fields, longest: int) -> list[Fields | Malformed]:
    if batch.nbytes > longest:  # of all its rows; then look at each
        if batch.num_rows == 1:
            return [Malformed(f"a row of more than {longest} bytes")]
        halves = batch.slice(0, batch.num_rows // 2), batch.slice(batch.num_rows // 2)
        return [fields for half in halves for fields in _fields_of_batch(half, left_out, longest)]
    try:
        columns = [_values(column, name) for name, column in zip(batch.schema.names, batch.columns, strict=True)]
    except ValueError as error:
        # One bad value fails the conversion of its column. Convert row by row, so that only its row is malformed.
        if batch.num_rows == 1:
            return [Malformed("invalid UTF-8" if isinstance(error, UnicodeDecodeError) else f"not JSON: {error}")]
        return [
            fields
            for row in range(batch.num_rows)
            for fields in _fields_of_batch(batch.slice(row, 1), left_out, longest)
        ]
    if not columns:
        return [dict(left_out) for _ in range(batch.num_rows)]
    return [dict(zip(batch.schema.names, values, strict=True)) | left_out for values in zip(*columns, strict=True)]


def _values(column: pa.Array, name: str) -> list[object]:
    """Convert a column to Python values, and parse it if it is of Parquet's JSON type. Times that Python cannot hold,
    such as nanoseconds, are left out."""
    try:
        values: list[object] = column.to_pylist()
    except _NOT_HELD:
        if not _has_times(column.type):
            raise
        _say_left_out(name, str(column.type))
        return [_held(value) for value in column]
    if isinstance(column.type, pa.JsonType):
        return [json.loads(value) if isinstance(value, str) else None for value in values]
    return values if not pa.types.is_nested(column.type) else [_own_fields(value, 0) for value in values]


def _own_fields(value: object, depth: int) -> object:
    """Return a value without the null fields of objects inside objects: all rows of a column have one type, so the
    fields that only other rows have are null."""
    if isinstance(value, dict):
        kept = {name: part for name, part in value.items() if depth == 0 or part is not None}
        return {name: _own_fields(part, depth + 1) for name, part in kept.items()}
    return [_own_fields(part, depth) for part in value] if isinstance(value, list) else value


def _held(value: pa.Scalar) -> object:
    try:
        return value.as_py()
    except _NOT_HELD:
        return None


def _has_times(kind: pa.DataType) -> bool:
    """Whether a type is of times, or has some in it."""
    parts = [kind.field(index).type for index in range(kind.num_fields)]
    return pa.types.is_temporal(kind) or any(map(_has_times, parts))


@functools.cache
def _say_left_out(name: str, kind: str) -> None:
    _log.warning("the column %r of type %s has values that Python cannot hold; they are left out", name, kind)


def _batch(records: Sequence[Record], kind: type[Record], schema: pa.Schema) -> pa.RecordBatch:
    for record in records:
        if type(record) is not kind:
            raise InputError(
                f"a Parquet file holds records of one type, not a {kind.__name__} and a {type(record).__name__} "
                f"(id {record.id}); write them to two files, or to JSON lines"
            )
        if not isinstance(record, Document) and (record.tools or any(map(_is_more, _messages(record)))):
            raise InputError(
                f"a Parquet file has no columns for the tools, calls, weights or further fields of the turns of "
                f"{record.id}; write it to JSON lines"
            )
    rows = [fields_of(record) for record in records]
    for fields in rows:
        fields["metadata"] = to_json(fields.get("metadata", {}))
    return pa.RecordBatch.from_pylist(rows, schema)


def _messages(record: Conversation | Preference | Rating) -> Sequence[Message]:
    return record.messages if isinstance(record, Conversation) else record.prompt


def _is_more(message: Message) -> bool:
    return bool(message.fields) or message.weight != 1
