"""Records from files, slice by slice."""

from collections.abc import Iterator
from dataclasses import dataclass

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.mixture import Form
from tanuki_jax.corpus.records.fields import record_of
from tanuki_jax.corpus.records.files import DAMAGED, InputFile, Slice
from tanuki_jax.corpus.records.formats.by_suffix import FORMATS, format_of
from tanuki_jax.corpus.records.formats.file_format import Fields
from tanuki_jax.corpus.records.preferences import EqualAnswers
from tanuki_jax.corpus.records.types import Document, Malformed, Record, Unused

_PLAIN_TEXT = f"a plain text file; conversations are read from {', '.join(FORMATS)}, one object a line or row"


@dataclass(frozen=True, slots=True)
class Row:
    """One line or row that holds, or should hold, a record."""

    row: int
    """Number of the line or row within the slice, from 0."""
    record: Record | Malformed | Unused


class SliceReader(Iterator[Row]):
    """The rows of one slice, in order; made by `read`.

    Blank lines, and text files that hold nothing but white space, count as rows but are not returned.
    """

    rows_read: int
    """Rows read so far. After the last one, add it to the row numbers of the file's next slice."""

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
            for row, (position, raw) in enumerate(format_of(path).rows(self._slice)):
                self.rows_read = row + 1
                if raw is not None:
                    yield Row(row, self._record(raw, position))
        except DAMAGED as error:
            last = f"row {self.rows_read} of the slice that begins at {self._slice.start}"
            raise InputError(f"{path} cannot be read beyond {last}: {error}") from error

    def _record(self, raw: Fields | str | Malformed, position: int) -> Record | Malformed | Unused:
        path = self._slice.path
        match raw:
            case Malformed():
                return raw
            case str(text):
                return Document(path, text) if self._form == "text" else Malformed(_PLAIN_TEXT)
            case fields:
                try:
                    return record_of(fields, f"{path}:{position}", self._text_field, self._form)
                except EqualAnswers as error:
                    return Unused(str(error))
                except ValueError as error:
                    return Malformed(str(error))


def split(file: InputFile, bytes_per_slice: int) -> list[Slice]:
    """Cut a file into slices of about `bytes_per_slice`; together they own every row once, in order.

    Only .jsonl (at any byte) and .parquet (between row groups, by their uncompressed size) can be cut. An empty file
    has no slices. InputError if a .parquet file is damaged.
    """
    assert bytes_per_slice > 0
    return format_of(file.path).split(file, bytes_per_slice)


def read(slice: Slice, *, text_field: str, form: Form = "text") -> SliceReader:
    """Read one slice, lazily.

    A row without an id of its own gets PATH:N, where N is the byte at which its line begins (in the decompressed file)
    or the number of its Parquet row in the file, so that ids do not depend on how the file was cut. A text file's id is
    its path.

    Args:
        slice: one that `split` returned.
        text_field: the field of JSON lines and Parquet rows that holds a document's text.
        form: the kind of record that a row is read as (`fields.record_of`).

    Raises:
        InputError: while iterating, if the file is damaged. A fault in one row is a `Malformed` in its place.
    """
    return SliceReader(slice, text_field, form)
