"""The units in which a source is encoded: what one worker reads, or has tasks write, in one go."""

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

from tanuki_jax.config.mixture import PAIR_FORMS, Form
from tanuki_jax.corpus.chat.pretraining import as_text
from tanuki_jax.corpus.records.files import Slice
from tanuki_jax.corpus.records.read import read
from tanuki_jax.corpus.records.types import Conversation, Document, Malformed, Message, Preference
from tanuki_jax.corpus.tasks.splits import conversation, preference

TASK_SEED = 0

type Unit = FileUnit | TaskUnit


@dataclasses.dataclass(frozen=True)
class FileUnit:
    """Slices of files: one of a large file, or many small files whole."""

    slices: tuple[Slice, ...]
    text_field: str
    work: int
    """About how many bytes are read."""

    @property
    def paths(self) -> tuple[str, ...]:
        """The file of each slice."""
        return tuple(part.path for part in self.slices)


@dataclasses.dataclass(frozen=True)
class TaskUnit:
    """Conversations or preferences [start, stop) of a task family; they count as one slice."""

    family: str
    start: int
    stop: int

    @property
    def paths(self) -> tuple[str, ...]:
        """What stands for the file."""
        return (task_path(self.family),)

    @property
    def work(self) -> int:
        """How many records are written."""
        return self.stop - self.start


class Row(NamedTuple):
    """A record, or what is wrong with it, and where it stands."""

    piece: int
    """Which of the unit's slices it is in."""
    row: int
    """Row within that slice, from 0."""
    record: Document | Conversation | Preference | Malformed


def task_path(family: str) -> str:
    """What stands for a file where a family's rules wrote the documents; the row is the number of the record."""
    return f"tasks:{family}"


def rows_of(unit: Unit, form: Form, rows_read: list[int]) -> Iterator[Row]:
    """The records of a unit in order.

    Args:
        unit: what to read.
        form: what rows are read as.
        rows_read: gets, slice by slice, how many rows it has, blank ones included.
    """
    if isinstance(unit, TaskUnit):
        write = preference if form in PAIR_FORMS else conversation
        for row, index in enumerate(range(unit.start, unit.stop)):
            yield Row(0, row, write((unit.family,), index, TASK_SEED))
        rows_read.append(unit.work)
        return
    for piece, part in enumerate(unit.slices):
        reader = read(part, text_field=unit.text_field, form=form)
        for found in reader:
            yield Row(piece, found.row, found.record)
        rows_read.append(reader.rows_read)


def text_of(record: Document | Conversation | Preference) -> str:
    """A record as pretraining reads it: conversations as `user:` and `assistant:` lines, preferences with the chosen answer."""
    match record:
        case Document():
            return record.text
        case Conversation():
            return as_text(record)
        case Preference():
            return as_text(Conversation(record.id, (*record.prompt, Message("assistant", record.chosen))))
