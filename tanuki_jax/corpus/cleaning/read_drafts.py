"""Drafts from the files of a part; what is no document is counted with its reason."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.draft import Draft, seed_of
from tanuki_jax.corpus.cleaning.engines.stage import Beacon
from tanuki_jax.corpus.cleaning.extraction.encodings import decode_file
from tanuki_jax.corpus.cleaning.extraction.extract_html import draft_of_page
from tanuki_jax.corpus.cleaning.parts import Part
from tanuki_jax.corpus.records.fields import record_of
from tanuki_jax.corpus.records.files import DAMAGED, LONGEST_RECORD, Slice
from tanuki_jax.corpus.records.formats.by_suffix import PLAIN_TEXT, format_of
from tanuki_jax.corpus.records.formats.file_format import RawRow
from tanuki_jax.corpus.records.types import Document, Malformed

_OWN = frozenset(["source", "file", "row", "scores", "changes", "cluster_size", "input"])
"""Names of metadata that cleaning gives itself."""
_END: Any = object()


@dataclass(frozen=True, slots=True)
class NoDocument:
    """A row that holds no document, or the place where a damaged file ends."""

    reason: str
    """The reason, in words that are the same for all rows with this fault."""
    place: str
    """File and position, and details."""
    is_row: bool = True
    """Whether it stands for a row; else for the rest of a damaged file."""


def drafts_of(part: Part, beacon: Beacon | None = None) -> Iterator[Draft | NoDocument]:
    """Yield a draft, or the reason why there is none, for each row of a part that is not blank.

    Args:
        part: slices of files.
        beacon: shows the number of the row that is read; rows that it skips are not looked at. None: there is none.

    Raises:
        InputError: a file is gone or cannot be reached, which may be another time.
    """
    number = 0
    for slice in part.slices:
        try:
            rows = _rows(slice)
            while True:
                if beacon is not None:
                    beacon.show(number)
                position, raw = next(rows, (0, _END))
                if raw is _END:
                    break
                if beacon is not None and number in beacon.skipped:
                    place = place_of(slice.path, position)
                    yield NoDocument("a record on which a worker failed", f"{place}: it {beacon.skipped[number]}")
                elif raw is not None:
                    yield _guarded(raw, slice, position, part)
                number += 1
        except (FileNotFoundError, PermissionError, ConnectionError, TimeoutError) as error:
            raise InputError(f"{slice.path} cannot be read now ({error}): start the command again later") from error
        except (InputError, *DAMAGED) as error:
            yield NoDocument("a damaged file", f"{slice.path} cannot be read to its end: {error}", is_row=False)
        number += 1


def _rows(slice: Slice) -> Iterator[tuple[int, RawRow]]:
    file_format = format_of(slice.path)
    if file_format is PLAIN_TEXT and slice.stop > LONGEST_RECORD:
        return iter([(0, Malformed(f"a text of more than {LONGEST_RECORD} bytes: write it as JSON lines"))])
    return file_format.rows(slice)


def _guarded(raw: Any, slice: Slice, position: int, part: Part) -> Draft | NoDocument:
    """Return the draft of a row, or why there is none; an error of extraction is such a reason."""
    try:
        return _draft(raw, slice, position, part)
    except Exception as error:
        place = place_of(slice.path, position)
        return NoDocument("a record that could not be read", f"{place}: {type(error).__name__}: {error!s:.200}")


def _draft(raw: RawRow, slice: Slice, position: int, part: Part) -> Draft | NoDocument:
    place = place_of(slice.path, position)
    match raw:
        case Malformed(reason, content=b""):
            return NoDocument("malformed", f"{place}: {reason}")
        case str() | Malformed():
            read = _document_of_file(raw, slice.path)
            if isinstance(read, str):
                return NoDocument("malformed", f"{place}: {read}")
            document = read
        case fields if fields and fields.get("html") is not None and fields.get(part.text_field) is None:
            page = draft_of_page(fields, f"{slice.path}:{position}")
            if isinstance(page, str):
                return NoDocument(page, f"{place}: {page}")
            page.metadata = _metadata(page.metadata, slice, position, part)
            return page
        case fields:
            try:
                record = record_of(fields or {}, f"{slice.path}:{position}", part.text_field)
            except ValueError as error:
                return NoDocument("no text", f"{place}: {error}")
            if not isinstance(record, Document):
                return NoDocument("a conversation", f"{place}: only documents are cleaned")
            document = record
    metadata = _metadata(document.metadata, slice, position, part)
    return Draft(document.id, document.text, metadata, seed=seed_of(document.text))


def _document_of_file(raw: str | Malformed, path: str) -> Document | str:
    """Return the document of a text file, in whatever encoding it is, or the reason why it is none."""
    decoded = decode_file(raw.encode() if isinstance(raw, str) else raw.content)
    if decoded is None:
        fault = raw.reason if isinstance(raw, Malformed) else "signs of another encoding than UTF-8"
        return f"{fault}; it is not certain which encoding it has"
    if not decoded.text or decoded.text.isspace():
        return "the text is empty"
    return Document(path, decoded.text, {"encoding": decoded.encoding} if decoded.encoding != "utf-8" else {})


def _metadata(given: Mapping[str, object], slice: Slice, position: int, part: Part) -> dict[str, object]:
    """Return the metadata of a document; what the input calls like fields of cleaning itself goes into `input`."""
    own = {name: value for name, value in given.items() if name not in _OWN}
    taken = {name: value for name, value in given.items() if name in _OWN}
    origin = {"source": part.source, "file": slice.path, "row": position}
    return own | origin | ({"input": taken} if taken else {})


def place_of(path: str, position: int) -> str:
    """Return where a row is, in words: its number in a Parquet file, else the byte in the decompressed file."""
    return f"{path}, {'row' if path.lower().endswith('.parquet') else 'byte'} {position:,}"
