"""Parts of a run: the items that one task makes, from slices of input files or from nothing but their numbers."""

import dataclasses
import hashlib
import itertools
import logging
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.progress import progress
from tanuki_jax.corpus.cleaning.draft import seed_of
from tanuki_jax.corpus.cleaning.parts import Part, cut
from tanuki_jax.corpus.cleaning.pipeline import reading
from tanuki_jax.corpus.records.fields import RowForm
from tanuki_jax.corpus.records.files import expand
from tanuki_jax.corpus.records.formats.by_suffix import format_of
from tanuki_jax.corpus.records.read import read
from tanuki_jax.corpus.records.types import Conversation, Document, Malformed, Record, Unused
from tanuki_jax.corpus.synthesis.recipe import Item
from tanuki_jax.corpus.synthesis.synthesis_settings import COUNT, Synthesis

type _Hashes = npt.NDArray[np.uint64]
_log = logging.getLogger("tanuki_jax.corpus")
_NO_RECORDS = {
    "documents": "the inputs have no documents: the field {field!r} is in no row; see --text-field",
    "conversations": "the inputs have no conversations: rows need messages, conversations, or instruction and output "
    "(docs/own-data.md)",
    "rows": "the inputs have no rows: they need JSON lines or Parquet",
}
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
    repeated: frozenset[int] = frozenset()
    """Hashes of the ids that occur more than once in the inputs."""
    same: frozenset[int] = frozenset()
    """Hashes of ids with texts that occur more than once in the inputs."""


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
    _check_once(synthesis.inputs)
    found = cut(reading(synthesis.inputs, synthesis.text_field, synthesis.part_bytes), "")
    if not found.parts:
        raise InputError(found.unreadable[0] if found.unreadable else "the files of --inputs are all empty")
    if found.unreadable:
        raise InputError(found.unreadable[0])
    parts, first, unusable, ids, contents = list[ItemPart](), 0, 0, list[_Hashes](), list[_Hashes]()
    with progress("counting the inputs", len(found.parts), "part") as advance:
        for part, name in zip(found.parts, _names(found.parts), strict=True):
            counted = _counted(part, synthesis, synthesis.count - first if synthesis.count else sys.maxsize)
            if counted.items:
                parts.append(ItemPart(name, part, first, counted.records, counted.items))
            first, unusable = first + counted.records, unusable + counted.unusable
            ids.append(counted.ids)
            contents.append(counted.contents)
            if synthesis.count and first >= synthesis.count:
                break
            advance()
    if unusable and parts:
        _log.info("%d rows of the inputs are no %s and are left out", unusable, synthesis.recipe.reads)
    if not parts and first:
        raise InputError("the inputs give no item: nothing is missing in their plan")
    if not parts:
        raise InputError(_NO_RECORDS[synthesis.recipe.reads].format(field=synthesis.text_field))
    repeated, same = _repeated(ids), _repeated(contents)
    if repeated:
        _log.info("%d ids of the inputs occur more than once: their items get longer names", len(repeated))
    return [dataclasses.replace(part, repeated=repeated, same=same) for part in parts]


def _repeated(hashes: Sequence[_Hashes]) -> frozenset[int]:
    """Return the hashes that occur more than once."""
    values, counts = np.unique(np.concatenate(hashes), return_counts=True)
    return frozenset(values[counts > 1].tolist())


def _check_once(inputs: Sequence[str]) -> None:
    """Raise InputError if two names lead to the same file."""
    known: dict[str, str] = {}
    for file in expand(inputs):
        real = file.path if "://" in file.path else os.path.realpath(file.path)
        if real in known:
            raise InputError(f"--inputs names one file twice: {known[real]} and {file.path}")
        known[real] = file.path


class _Counted(NamedTuple):
    """Rows of a part."""

    records: int
    items: int
    unusable: int
    ids: _Hashes
    """uint64[records], hashes of their ids."""
    contents: _Hashes
    """uint64[records], hashes of ids and texts."""


def _counted(part: Part, synthesis: Synthesis, most: int) -> _Counted:
    """Return the numbers of records of a part, of which at most `most` are used, of their items, and of other rows.

    InputError if the recipe cannot use a record.
    """
    kind, items, unusable, ids, contents = _kind(synthesis), 0, 0, list[int](), list[int]()
    for _, record in _rows(part, synthesis):
        if not isinstance(record, kind):
            unusable += 1
        elif len(ids) < most:
            ids.append(seed_of(record.id))
            contents.append(_content_of(record))
            items += sum(1 for _ in synthesis.recipe.items(record, "")) * synthesis.times
    return _Counted(len(ids), items, unusable, np.array(ids, np.uint64), np.array(contents, np.uint64))


def _content_of(record: Document | Conversation) -> int:
    """Return a hash of a record's id and texts."""
    texts = [record.text] if isinstance(record, Document) else [message.content for message in record.messages]
    return seed_of("\0".join([record.id, *texts]))


def _unique_name(record: Document | Conversation, place: str, part: ItemPart) -> str:
    """Return the id of a record, and more if other records have the same: a hash of its texts, or even its place."""
    if seed_of(record.id) not in part.repeated:
        return record.id
    content = _content_of(record)
    return f"{record.id}~{content:016x}{f'~{part.name}:{place}' if content in part.same else ''}"


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
    for place, record in _rows(part.part, synthesis):
        if not left:
            return
        if isinstance(record, kind):
            left -= 1
            for item in recipe.items(record, f"{name}/{_unique_name(record, place, part)}"):
                for number in range(synthesis.times):
                    suffix = f"#{number}" if synthesis.times > 1 else ""
                    yield dataclasses.replace(item, key=item.key + suffix, number=number)


def _rows(part: Part, synthesis: Synthesis) -> Iterator[tuple[str, Record | Malformed | Unused]]:
    """Yield the rows of a part as records of the kind that the recipe reads, each with its place: file and row.

    A record without an id of its own gets the name of its file and its place in it, without the folder.
    """
    for slice in part.slices:
        file = slice.path.rpartition("/")[2]
        if synthesis.recipe.reads == "rows":
            for position, fields in format_of(slice.path).rows(slice):
                place = f"{file}:{position}"
                if isinstance(fields, dict):
                    yield place, Document(place, "", fields)
                elif fields is not None:
                    wrong = Malformed("a plain text, where rows are wanted")
                    yield place, fields if isinstance(fields, Malformed) else wrong
        else:
            form = _FORMS[synthesis.recipe.reads]
            for row in read(slice, text_field=synthesis.text_field, form=form):
                record, place = row.record, f"{file}:{slice.start}+{row.row}"
                if isinstance(record, Document | Conversation) and record.id.startswith(slice.path):
                    record = dataclasses.replace(record, id=f"{file}{record.id.removeprefix(slice.path)}")
                yield place, record


def _kind(synthesis: Synthesis) -> type[Document] | type[Conversation]:
    return Conversation if synthesis.recipe.reads == "conversations" else Document


def _names(parts: Sequence[Part]) -> list[str]:
    """Return a name for each part, by which its answers are found again.

    It depends on the name of the first file and where the part begins in it: not on the folder, on the time or the
    length of a file, or on rows that were added behind. Parts of equal names are numbered.
    """
    seen, names = Counter[str](), list[str]()
    for part in parts:
        slice = part.slices[0]
        content = f"{slice.path.rpartition('/')[2]}:{slice.start}"
        name = hashlib.blake2b(content.encode(errors="surrogateescape"), digest_size=8).hexdigest()
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return names
