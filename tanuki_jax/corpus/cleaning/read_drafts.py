"""Drafts from the files of a part; what is no document is counted with its reason."""

from collections.abc import Iterator
from dataclasses import dataclass

from tanuki_jax.corpus.cleaning.draft import Draft, seed_of
from tanuki_jax.corpus.cleaning.extraction.extract_html import draft_of_page
from tanuki_jax.corpus.cleaning.parts import Part
from tanuki_jax.corpus.records.fields import record_of
from tanuki_jax.corpus.records.files import DAMAGED, Slice
from tanuki_jax.corpus.records.formats.by_suffix import format_of
from tanuki_jax.corpus.records.formats.file_format import RawRow
from tanuki_jax.corpus.records.types import Document, Malformed


@dataclass(frozen=True, slots=True)
class NoDocument:
    """A row that holds no document, or the place where a damaged file ends."""

    reason: str
    """The reason, in words that are the same for all rows with this fault."""
    place: str
    """File and position, and details."""
    is_row: bool = True
    """Whether it stands for a row; else for the rest of a damaged file."""


def drafts_of(part: Part) -> Iterator[Draft | NoDocument]:
    """Yield a draft, or the reason why there is none, for each row of a part that is not blank."""
    for slice in part.slices:
        try:
            for position, raw in format_of(slice.path).rows(slice):
                if raw is not None:
                    yield _draft(raw, slice, position, part)
        except DAMAGED as error:
            yield NoDocument("a damaged file", f"{slice.path} cannot be read to its end: {error}", is_row=False)


def _draft(raw: RawRow, slice: Slice, position: int, part: Part) -> Draft | NoDocument:
    place = f"{slice.path}:{position}"
    match raw:
        case Malformed(reason):
            return NoDocument("malformed", f"{place}: {reason}")
        case str(text):
            document = Document(slice.path, text)
        case fields if fields and fields.get("html") is not None and fields.get(part.text_field) is None:
            page = draft_of_page(fields, place)
            if isinstance(page, str):
                return NoDocument(page, f"{place}: {page}")
            page.metadata |= _origin(slice, position, part)
            return page
        case fields:
            try:
                record = record_of(fields or {}, place, part.text_field)
            except ValueError as error:
                return NoDocument("no text", f"{place}: {error}")
            if not isinstance(record, Document):
                return NoDocument("a conversation", f"{place}: only documents are cleaned")
            document = record
    metadata = dict(document.metadata) | _origin(slice, position, part)
    return Draft(document.id, document.text, metadata, seed=seed_of(document.text))


def _origin(slice: Slice, position: int, part: Part) -> dict[str, object]:
    return {"source": part.source, "file": slice.path, "row": position}
