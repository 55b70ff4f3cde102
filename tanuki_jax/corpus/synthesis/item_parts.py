"""Parts of a run: the items that one task makes, from slices of input files or from nothing but their numbers."""

import dataclasses
import hashlib
import itertools
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.progress import progress
from tanuki_jax.corpus.cleaning.parts import Part, cut
from tanuki_jax.corpus.cleaning.pipeline import reading
from tanuki_jax.corpus.records.fields import RowForm
from tanuki_jax.corpus.records.formats.by_suffix import format_of
from tanuki_jax.corpus.records.read import read
from tanuki_jax.corpus.records.types import Conversation, Document, Malformed, Record, Unused
from tanuki_jax.corpus.synthesis.recipe import Item
from tanuki_jax.corpus.synthesis.synthesis_settings import COUNT, Synthesis

_log = logging.getLogger("tanuki_jax.corpus")
_FORMS: dict[str, RowForm] = {"documents": "text", "conversations": "chat"}


@dataclasses.dataclass(frozen=True)
class ItemPart:
    """Items of one task, and the names of its files."""

    name: str
    """Stem of its files: depends on the input alone, not on the recipe."""
    part: Part | None
    """Slices of the input; None: the items are made of nothing."""
    first: int
    """Number of the first item, or of the first input record."""
    records: int
    """Number of items, or of input records that are used."""
    items: int
    """Number of items, at most: the others of its records are left out."""


def parts_of(synthesis: Synthesis) -> list[ItemPart]:
    """Return the parts of a run, in the order of the inputs.

    The rows of the inputs are counted first, which reads them all.

    Raises:
        InputError: the inputs cannot be read, have no records, or are missing where the recipe needs some.
    """
    if synthesis.recipe.reads == "nothing":
        count, step = synthesis.count or COUNT, synthesis.part_items
        sizes = [(first, min(step, count - first)) for first in range(0, count, step)]
        return [ItemPart(f"{first // step:06d}", None, first, size, size) for first, size in sizes]
    if not synthesis.inputs:
        raise InputError(f"the recipe needs {synthesis.recipe.reads}: name files of them by --inputs")
    found = cut(reading(synthesis.inputs, synthesis.text_field, synthesis.part_bytes), "")
    if not found.parts:
        raise InputError(found.unreadable[0] if found.unreadable else "the files of --inputs are all empty")
    if found.unreadable:
        raise InputError(found.unreadable[0])
    parts, first, unusable = list[ItemPart](), 0, 0
    with progress("counting the inputs", len(found.parts), "part") as advance:
        for part in found.parts:
            counted = _counted(part, synthesis, synthesis.count - first if synthesis.count else sys.maxsize)
            if counted.records:
                parts.append(ItemPart(_name(part), part, first, counted.records, counted.items))
            first, unusable = first + counted.records, unusable + counted.unusable
            advance()
    if unusable and parts:
        _log.info("%d rows of the inputs are no %s and are left out", unusable, synthesis.recipe.reads)
    if not parts:
        wanted = f"field {synthesis.text_field!r}" if synthesis.recipe.reads == "documents" else "conversations"
        raise InputError(f"the inputs have no {synthesis.recipe.reads}: {wanted} is in no row; see --text-field")
    return parts


class _Counted(NamedTuple):
    """Rows of a part."""

    records: int
    items: int
    unusable: int


def _counted(part: Part, synthesis: Synthesis, most: int) -> _Counted:
    """Return the numbers of records of a part, of which at most `most` are used, of their items, and of other rows.

    InputError if the recipe cannot use a record.
    """
    kind, records, items, unusable = _kind(synthesis), 0, 0, 0
    for record in _rows(part, synthesis):
        if not isinstance(record, kind):
            unusable += 1
        elif records < most:
            records += 1
            items += sum(1 for _ in synthesis.recipe.items(record, "")) * synthesis.times
    return _Counted(records, items, unusable)


def items_of(part: ItemPart, synthesis: Synthesis) -> Iterator[Item]:
    """Yield the items of a part, in order. Rows that are no records of the kind that the recipe reads are left out."""
    return itertools.islice(_all_items(part, synthesis), part.items)


def _all_items(part: ItemPart, synthesis: Synthesis) -> Iterator[Item]:
    recipe, name = synthesis.recipe, synthesis.name
    if part.part is None:
        for number in range(part.first, part.first + part.records):
            yield Item(f"{name}/{number}", number=number)
        return
    left, kind = part.records, _kind(synthesis)
    for record in _rows(part.part, synthesis):
        if not left:
            return
        if isinstance(record, kind):
            left -= 1
            for item in recipe.items(record, f"{name}/{record.id}"):
                for number in range(synthesis.times):
                    suffix = f"#{number}" if synthesis.times > 1 else ""
                    yield dataclasses.replace(item, key=item.key + suffix, number=number)


def _rows(part: Part, synthesis: Synthesis) -> Iterator[Record | Malformed | Unused]:
    """Yield the rows of a part as records of the kind that the recipe reads."""
    for slice in part.slices:
        if synthesis.recipe.reads == "rows":
            for position, fields in format_of(slice.path).rows(slice):
                if isinstance(fields, dict):
                    yield Document(f"{slice.path.rpartition('/')[2]}:{position}", "", fields)
                elif fields is not None:
                    yield fields if isinstance(fields, Malformed) else Malformed("a plain text, where rows are wanted")
        else:
            form = _FORMS[synthesis.recipe.reads]
            for row in read(slice, text_field=synthesis.text_field, form=form):
                yield row.record


def _kind(synthesis: Synthesis) -> type[Document] | type[Conversation]:
    return Conversation if synthesis.recipe.reads == "conversations" else Document


def _name(part: Part) -> str:
    """Return a name that depends on the files and how they are cut, not on the times at which they were written."""
    content: Sequence[object] = [part.source, [dataclasses.astuple(slice) for slice in part.slices]]
    return hashlib.blake2b(json.dumps(content).encode(), digest_size=8).hexdigest()
