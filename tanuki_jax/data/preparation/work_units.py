"""Units in which a source is encoded: rows that one worker reads from files, or generates from tasks, at a time."""

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

from tanuki_jax.config.mixture import PAIR_FORMS, Form
from tanuki_jax.corpus.chat.pretraining import as_text_or_json
from tanuki_jax.corpus.records.files import Slice
from tanuki_jax.corpus.records.read import read
from tanuki_jax.corpus.records.types import (
    Chat,
    Conversation,
    Document,
    Malformed,
    Message,
    Preference,
    Rating,
    Record,
    Unused,
)
from tanuki_jax.corpus.tasks.splits import conversation, preference

TASK_SEED = 0
type Unit = FileUnit | TaskUnit


@dataclasses.dataclass(frozen=True)
class FileUnit:
    """Slices of files: a part of a large file, or several small files."""

    slices: tuple[Slice, ...]
    text_field: str
    work: int
    """Approximate number of bytes to read."""
    fields: tuple[tuple[str, str], ...] = dataclasses.field(default=(), repr=False)
    """Names of fields as the form expects them, and in the rows; not in `repr`, which older parts are named by."""

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the file of each slice."""
        return tuple(part.path for part in self.slices)


@dataclasses.dataclass(frozen=True)
class TaskUnit:
    """Conversations or preferences [start, stop) of a task family, as one slice."""

    family: str
    start: int
    stop: int

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the name that replaces a file's path."""
        return (task_path(self.family),)

    @property
    def work(self) -> int:
        """Return the number of records to generate."""
        return self.stop - self.start


class Row(NamedTuple):
    """Record, or the reason why there is none, and its position in the unit."""

    slice_index: int
    """Index of the unit's slice."""
    row: int
    """Row within that slice, from 0."""
    record: Record | Malformed | Unused


def task_path(family: str) -> str:
    """Return the name that replaces a file's path for generated records; the row is the number of the record."""
    return f"tasks:{family}"


def named(unit: Unit) -> str:
    """Return the names of a unit's files or tasks for a message, and where in the file or the tasks it begins."""
    first, *others = unit.paths
    start = unit.start if isinstance(unit, TaskUnit) else unit.slices[0].start
    return f"{first}, from position {start}" + (f", to {others[-1]}" if others else "")


def rows_of(unit: Unit, form: Form, rows_read: list[int]) -> Iterator[Row]:
    """Yield the rows of a unit in order.

    Args:
        unit: files or tasks to read.
        form: form of the records.
        rows_read: output; the number of rows of each slice, blank ones included, is appended after its last row.
    """
    if isinstance(unit, TaskUnit):
        generate = preference if form in PAIR_FORMS else conversation
        for row, number in enumerate(range(unit.start, unit.stop)):
            yield Row(0, row, generate((unit.family,), number, TASK_SEED))
        rows_read.append(unit.work)
        return
    for index, part in enumerate(unit.slices):
        reader = read(part, text_field=unit.text_field, form=form, fields=dict(unit.fields), only_needed=True)
        for entry in reader:
            yield Row(index, entry.row, entry.record)
        rows_read.append(reader.rows_read)


def text_of(record: Record) -> str:
    """Return a record as text for pretraining: chats with `user:` and `assistant:` lines, preferences with `chosen`."""
    match record:
        case Document():
            return record.text
        case Conversation():
            return as_text_or_json(Chat(record.messages, record.tools))
        case Preference():
            return as_text_or_json(Chat((*record.prompt, Message("assistant", record.chosen)), record.tools))
        case Rating():
            return as_text_or_json(Chat((*record.prompt, Message("assistant", record.answer)), record.tools))
