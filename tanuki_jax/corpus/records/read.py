"""Reads records out of slices of files."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.fields import record_of
from tanuki_jax.corpus.records.files import JSON_LINES, Slice, compression_of, format_of
from tanuki_jax.corpus.records.storage import locate
from tanuki_jax.corpus.records.types import Conversation, Document, Form, Preference

_BLOCK = 1 << 20
_BATCH_ROWS = 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WHOLE = 1 << 62
_PLAIN = (
    f"a plain text; conversations are read from {', '.join(JSON_LINES)} with one JSON object a line, and from .parquet"
)

type Fields = dict[str, object]


@dataclass(frozen=True, slots=True)
class Malformed:
    """Stands where a record should be."""

    reason: str
    """What is wrong, in a few words without the file's name."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line or row that holds, or should hold, a record."""

    row: int
    """Number of the line or row within the slice, from 0."""
    record: Document | Conversation | Preference | Malformed


class SliceReader(Iterator[Row]):
    """The rows of one slice, in order; made by `read`.

    Blank lines, and text files without a character other than spaces, count as rows but are passed over in silence.
    """

    rows_read: int
    """Rows passed so far; after the last one, all that the slice owns: what to add to the row numbers of the file's next slice."""

    def __init__(self, slice: Slice, text_field: str, form: Form) -> None:
        self.rows_read = 0
        self._slice = slice
        self._text_field = text_field
        self._form = form
        self._rows = self._read()

    def __next__(self) -> Row:
        return next(self._rows)

    def _read(self) -> Iterator[Row]:
        path = self._slice.path
        try:
            for row, (place, fields) in enumerate(_FORMATS[format_of(path)](self._slice)):
                self.rows_read = row + 1
                if isinstance(fields, Malformed):
                    yield Row(row, fields)
                elif isinstance(fields, str):
                    yield Row(row, Document(path, fields) if self._form == "text" else Malformed(_PLAIN))
                elif fields is not None:
                    yield Row(row, self._record(fields, f"{path}:{place}"))
        except (OSError, pa.ArrowException) as error:
            position = f"row {self.rows_read} of the slice that begins at {self._slice.start}"
            raise InputError(f"{path} cannot be read beyond {position}: {error}") from error

    def _record(self, fields: Fields, place: str) -> Document | Conversation | Preference | Malformed:
        try:
            return record_of(fields, place, self._text_field, self._form)
        except ValueError as error:
            return Malformed(str(error))


def read(slice: Slice, *, text_field: str, form: Form = "text") -> SliceReader:
    """Reads one slice, lazily.

    A row without an id of its own gets PATH:N, where N is the byte at which its line begins (in the decompressed file) or the
    number of its Parquet row in the file, so that ids do not depend on how the file was cut. A text file's id is its path.

    Args:
        slice: what `files.split` returned.
        text_field: the field of JSON lines and Parquet rows that holds a document's text.
        form: what rows are read as (`fields.record_of`).

    Raises:
        InputError: while iterating, if the file as a whole is damaged. What is wrong with one row is a `Malformed` in its place.
    """
    return SliceReader(slice, text_field, form)


def _open(path: str) -> pa.NativeFile:
    """The file's bytes, decompressed."""
    system, location = locate(path)
    compression = compression_of(path)
    if compression is None:
        return system.open_input_file(location)
    return system.open_input_stream(location, compression=compression)


def _json_lines(slice: Slice) -> Iterator[tuple[int, Fields | Malformed | None]]:
    with _open(slice.path) as file:
        if slice.start:
            file.seek(slice.start - 1)
        stop = slice.stop if compression_of(slice.path) is None else _WHOLE
        for offset, line in _lines(file, slice.start, stop):
            yield offset, _fields_of_line(line.removeprefix(_BYTE_ORDER_MARK) if offset == 0 else line)


def _lines(file: pa.NativeFile, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
    """Offset and bytes of each line that begins in [start, stop). The file stands one byte before `start`, if that is not 0."""
    begun: list[bytes] = []
    offset = max(start - 1, 0)
    owned = start == 0
    while block := file.read(_BLOCK):
        *ended, rest = block.split(b"\n")
        for line in ended:
            if begun:
                line = b"".join([*begun, line])
                begun.clear()
            if owned:
                yield offset, line
            owned = True
            offset += len(line) + 1
            if offset >= stop:
                return
        begun.append(rest)
    line = b"".join(begun)
    if owned and line:
        yield offset, line


def _fields_of_line(line: bytes) -> Fields | Malformed | None:
    if not line or line.isspace():
        return None
    try:
        text = line.decode()
        fields = json.loads(text)
        if "\\u" in text and ("\\ud" in text or "\\uD" in text):
            json.dumps(fields, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return Malformed("an escaped surrogate stands alone")
    except UnicodeDecodeError as error:
        return Malformed(f"invalid UTF-8 at byte {error.start} of the line")
    except (ValueError, RecursionError) as error:
        return Malformed(f"not JSON: {error}")
    return fields if isinstance(fields, dict) else Malformed(f"not a JSON object but of type {type(fields).__name__}")


def _parquet_rows(slice: Slice) -> Iterator[tuple[int, Fields | Malformed]]:
    system, location = locate(slice.path)
    with system.open_input_file(location) as file, pq.ParquetFile(file) as parquet:
        row = 0
        for group in range(parquet.num_row_groups):
            rows = parquet.metadata.row_group(group).num_rows
            if slice.start <= row < slice.stop:
                batches = parquet.iter_batches(_BATCH_ROWS, row_groups=[group])
                yield from enumerate((fields for batch in batches for fields in _fields_of_batch(batch)), row)
            row += rows


def _fields_of_batch(batch: pa.RecordBatch) -> list[Fields | Malformed]:
    try:
        columns = [_values(column) for column in batch.columns]
    except ValueError as error:
        if batch.num_rows == 1:
            return [Malformed("invalid UTF-8" if isinstance(error, UnicodeDecodeError) else f"not JSON: {error}")]
        return [fields for row in range(batch.num_rows) for fields in _fields_of_batch(batch.slice(row, 1))]
    return [dict(zip(batch.schema.names, values, strict=True)) for values in zip(*columns, strict=True)]


def _values(column: pa.Array) -> list[object]:
    """Python's form of a column; columns of Parquet's JSON type are parsed."""
    values: list[object] = column.to_pylist()
    if isinstance(column.type, pa.JsonType):
        return [json.loads(value) if isinstance(value, str) else None for value in values]
    return values


def text_bytes(path: str) -> bytes:
    """A text file's content, decompressed and without a byte order mark."""
    with _open(path) as file:
        content: bytes = file.read()
    return content.removeprefix(_BYTE_ORDER_MARK)


def _text_file(slice: Slice) -> Iterator[tuple[int, str | Malformed | None]]:
    content = text_bytes(slice.path)
    try:
        text = content.decode()
        yield 0, None if not text or text.isspace() else text
    except UnicodeDecodeError as error:
        yield 0, Malformed(f"invalid UTF-8 at byte {error.start} of the file")


_FORMATS: dict[str, Callable[[Slice], Iterator[tuple[int, Fields | str | Malformed | None]]]] = {
    "json_lines": _json_lines,
    "parquet": _parquet_rows,
    "text": _text_file,
}
