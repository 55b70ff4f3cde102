"""Records from files, slice by slice."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.field_map import read_names, renamed
from tanuki_jax.corpus.records.fields import RowForm, record_of
from tanuki_jax.corpus.records.files import DAMAGED, InputFile, Slice
from tanuki_jax.corpus.records.formats.by_suffix import FORMATS, format_of
from tanuki_jax.corpus.records.formats.file_format import PAGE, Fields, RawRow
from tanuki_jax.corpus.records.types import Document, Malformed, Record, TeachesNothing, Unused

_PLAIN_TEXT = f"a plain text file; conversations are read from {', '.join(FORMATS)}, one object a line or row"
_NO_TEXT_YET = "a page as it was crawled: extract its text first, with python -m tanuki_jax.clean"


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

    def __init__(
        self, slice: Slice, text_field: str, form: RowForm, fields: Mapping[str, str], needed: Collection[str] | None
    ) -> None:
        self.rows_read = 0
        self._slice = slice
        self._text_field = text_field
        self._form = form
        self._fields = fields
        self._needed = needed
        self._rows = self._read()

    def __next__(self) -> Row:
        return next(self._rows)

    def _read(self) -> Iterator[Row]:
        path = self._slice.path
        try:
            for row, (position, raw) in enumerate(self._raw_rows()):
                self.rows_read = row + 1
                if raw is not None:
                    yield Row(row, self._record(raw, position))
        except DAMAGED as error:
            last = f"row {self.rows_read} of the slice that begins at {self._slice.start}"
            raise InputError(f"{path} cannot be read beyond {last}: {error}") from error

    def _raw_rows(self) -> Iterator[tuple[int, RawRow]]:
        file_format = format_of(self._slice.path)
        if self._needed is None or file_format.rows_with is None:
            return file_format.rows(self._slice)
        return file_format.rows_with(self._slice, self._needed)

    def _record(self, raw: Fields | str | Malformed, position: int) -> Record | Malformed | Unused:
        path = self._slice.path
        match raw:
            case Malformed():
                return raw
            case str(text):
                return Document(path, text) if self._form in ("text", "prompt") else Malformed(_PLAIN_TEXT)
            case fields if isinstance(fields.get(PAGE), bytes) and fields.get(self._text_field) is None:
                return Malformed(_NO_TEXT_YET)
            case fields:
                try:
                    row = renamed(fields, self._fields)
                    return record_of(row, f"{path}:{position}", self._text_field, self._form)
                except TeachesNothing as error:
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


def read(
    slice: Slice,
    *,
    text_field: str,
    form: RowForm = "text",
    fields: Mapping[str, str] | None = None,
    only_needed: bool = False,
) -> SliceReader:
    """Read one slice, lazily.

    A row without an id of its own gets PATH:N, where N is the byte at which its line begins (in the decompressed file)
    or the number of its Parquet row in the file, so that ids do not depend on how the file was cut. A text file's id is
    its path.

    Args:
        slice: one that `split` returned.
        text_field: the field of JSON lines and Parquet rows that holds a document's text.
        form: the kind of record that a row is read as (`fields.record_of`).
        fields: names of fields as the form expects them -> their names in the rows.
        only_needed: whether columns that the form does not read may be left out, which spares their conversion;
            metadata is incomplete then.

    Raises:
        InputError: while iterating, if the file is damaged. A fault in one row is a `Malformed` in its place.
    """
    fields = fields or {}
    needed = None if form == "prompt" or not only_needed else read_names(form, text_field, fields)
    return SliceReader(slice, text_field, form, fields, needed)
