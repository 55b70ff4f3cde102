"""The functions that make up a file format."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tanuki_jax.corpus.records.files import InputFile, Slice
from tanuki_jax.corpus.records.types import Malformed, Record

PAGE = "html"
"""Field of a row that holds a page as it was crawled, as bytes; its text has yet to be extracted."""
type Fields = dict[str, object]
type RawRow = Fields | str | Malformed | None
"""One line or row of a file: its fields; the text itself if the format has no fields; None if it is blank."""


def one_slice(file: InputFile, bytes_per_slice: int) -> list[Slice]:
    """Return the file as one slice, or no slice if it is empty: for formats that can only be read from the start."""
    return [Slice(file.path, 0, file.bytes)] if file.bytes else []


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A way to read a file, and perhaps to write one."""

    rows: Callable[[Slice], Iterator[tuple[int, RawRow]]]
    """Slice -> (position, row) in order; the position is a byte or row number of the file, however the file is cut."""
    rows_with: Callable[[Slice, Collection[str]], Iterator[tuple[int, RawRow]]] | None = None
    """`rows` of a format that can leave out fields: of those that are not named it yields NOT_READ."""
    split: Callable[[InputFile, int], list[Slice]] = one_slice
    """(file, bytes per slice) -> slices that together own every row once, in order."""
    write: Callable[[Path, Iterable[Record]], None] | None = None
    """Writes records to a new file; None: the format is only read."""
