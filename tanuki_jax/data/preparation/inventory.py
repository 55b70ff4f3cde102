"""Inventory of a source's files or tasks on this machine, and the units in which it is encoded."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.mixture import PAIR_FORMS, Mixture, Source
from tanuki_jax.corpus.records.field_map import check_field_map
from tanuki_jax.corpus.records.files import InputFile, Slice, expand
from tanuki_jax.corpus.records.read import split
from tanuki_jax.corpus.tasks.registry import find
from tanuki_jax.corpus.tasks.splits import preference
from tanuki_jax.data.preparation.chat_documents import Rendering
from tanuki_jax.data.preparation.work_units import (
    TASK_SEED,
    FileUnit,
    TaskUnit,
    Unit,
    task_path,
)
from tanuki_jax.data.store import Input, recorded

UNITS = 64
"""Number of units of a source, within the limits below, so that all workers are busy."""
UNIT_BYTES = (1 << 20, 32 << 20)
"""Least and most bytes of a unit; the last unit may have fewer, and a compressed file, which is never cut, more."""
UNIT_TASKS = (1_000, 50_000)
"""Least and most records of a unit of tasks."""
UNIT_FILES = 1_000
"""Most files of a unit."""


@dataclasses.dataclass(frozen=True)
class Inventory:
    """Source with its inputs, and its units in the order of its documents."""

    source: Source
    inputs: tuple[Input, ...]
    units: tuple[Unit, ...]
    rendering: Rendering | None = None
    """Settings by which chats and preferences become documents; None for texts, and before the tokenizer is loaded."""
    bos_ids: tuple[int, ...] = ()
    """Ids that begin each document of texts; empty before the tokenizer is loaded."""

    @property
    def name(self) -> str:
        """Return the name of the source."""
        return self.source.name

    @property
    def settings(self) -> dict[str, Any]:
        """Return the values that determine the documents, besides the inputs."""
        source = self.source
        origin: dict[str, Any] = {"documents": source.documents} if source.tasks else {"text_field": source.text_field}
        origin = recorded({**origin, "fields": dict(source.fields)})
        assert (self.rendering is None) == (self.source.form == "text")
        if self.rendering is not None:
            return origin | self.rendering.settings
        return origin | {"bos_ids": list(self.bos_ids)} if self.bos_ids else origin


def take_inventory(
    mixture: Mixture, *, unit_bytes: tuple[int, int] = UNIT_BYTES, unit_files: int = UNIT_FILES
) -> list[Inventory]:
    """Return an inventory of each source that the mixture trains on or holds out.

    Args:
        mixture: sources and their weights.
        unit_bytes: least and most bytes of a unit of files.
        unit_files: most files of a unit.

    Raises:
        InputError: sources are missing or empty; it names all of them.
    """
    inventories: list[Inventory] = []
    missing: list[str] = []
    for source in mixture.stored:
        _check_source(source)
        try:
            inventories.append(_inventory(source, unit_bytes, unit_files))
        except InputError as error:
            missing.append(f"{source.name} ({error})")
    if missing:
        raise InputError(f"the mixture has sources that cannot be read here: {'; '.join(missing)}")
    return inventories


def _check_source(source: Source) -> None:
    """Raise InputError if a source contradicts itself."""
    try:
        check_field_map(source.fields, source.form)
    except InputError as error:
        raise InputError(f"the source {source.name}: {error}") from error
    if source.too_long != "by_form" and source.form == "text":
        raise InputError(
            f"too_long of the source {source.name} is {source.too_long!r}, and only chats and answers can be too long"
        )
    if source.tasks and source.fields:
        raise InputError(f"fields of the source {source.name} names fields of rows, and tasks have none")


def _inventory(source: Source, byte_limits: tuple[int, int], unit_files: int) -> Inventory:
    if bool(source.paths) == bool(source.tasks):
        raise InputError(
            "a source must have either paths or tasks" + (", not both" if source.paths else ", and this one has none")
        )
    if source.tasks:
        return Inventory(
            source, tuple(Input(task_path(family), 0) for family in source.tasks), tuple(_task_units(source))
        )
    files = expand(source.paths)
    unit_bytes = _clamped(sum(file.bytes for file in files) // UNITS, byte_limits)
    units = tuple(_file_units(files, source, unit_bytes, unit_files))
    if not units:
        raise InputError(f"{', '.join(source.paths)} is empty")
    return Inventory(source, tuple(Input(file.path, file.bytes, file.modified) for file in files), units)


def _task_units(source: Source) -> Iterator[TaskUnit]:
    families = len(source.tasks)
    if source.documents < families:
        raise InputError(
            f"documents is {source.documents}, and its tasks need at least one for each of {families} families"
        )
    per_unit = _clamped(source.documents // UNITS, UNIT_TASKS)
    for number, family in enumerate(source.tasks):
        find(family)
        if source.form in PAIR_FORMS:
            preference((family,), 0, TASK_SEED)  # InputError if the family has no pairs
        documents = (source.documents + number) // families
        for start in range(0, documents, per_unit):
            yield TaskUnit(family, start, min(start + per_unit, documents))


def _file_units(files: Sequence[InputFile], source: Source, unit_bytes: int, unit_files: int) -> Iterator[FileUnit]:
    """Cut large files into slices of about `unit_bytes`, and join small files into units of about as much."""
    fields = tuple(source.fields.items())
    slices: list[Slice] = []
    work = 0
    for file in files:
        parts = split(file, unit_bytes)
        for part in parts:
            slices.append(part)
            work += file.bytes * (part.stop - part.start) // parts[-1].stop
            if work >= unit_bytes or len(slices) == unit_files:
                yield FileUnit(tuple(slices), source.text_field, work, fields)
                slices, work = [], 0
    if slices:
        yield FileUnit(tuple(slices), source.text_field, work, fields)


def _clamped(value: int, limits: tuple[int, int]) -> int:
    return min(max(value, limits[0]), limits[1])
