"""What a source consists of on this machine, found before anything starts, and the units in which it is encoded."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.mixture import PAIR_FORMS, Mixture, Source
from tanuki_jax.corpus.records.files import InputFile, Slice, expand
from tanuki_jax.corpus.records.read import split
from tanuki_jax.corpus.tasks.registry import find
from tanuki_jax.corpus.tasks.splits import preference
from tanuki_jax.data.preparation.chat_documents import Rendering
from tanuki_jax.data.preparation.work_units import TASK_SEED, FileUnit, TaskUnit, Unit, task_path
from tanuki_jax.data.store import Input

UNITS = 64
"""At least so many in a source that is large enough for it, so that many workers have something to do."""
UNIT_BYTES = (1 << 20, 32 << 20)
"""Least and most that a unit reads; the last unit may have less, and a compressed file, which is always whole, more."""
UNIT_TASKS = (1_000, 50_000)
"""Least and most records of a unit of tasks."""
UNIT_FILES = 1_000
"""Most files of a unit."""


@dataclasses.dataclass(frozen=True)
class Inventory:
    """A source, what it is made from, and its units in the order of its documents."""

    source: Source
    inputs: tuple[Input, ...]
    units: tuple[Unit, ...]
    rendering: Rendering | None = None
    """How its records become documents, for a source that is not of texts, once the tokenizer is there."""

    @property
    def name(self) -> str:
        """Name of the source."""
        return self.source.name

    @property
    def settings(self) -> dict[str, Any]:
        """What besides the inputs determines the documents."""
        origin = {"documents": self.source.documents} if self.source.tasks else {"text_field": self.source.text_field}
        assert (self.rendering is None) == (self.source.form == "text")
        return origin if self.rendering is None else origin | self.rendering.settings


def take_inventory(mixture: Mixture) -> list[Inventory]:
    """All sources that the mixture reads. InputError names every one that is missing or empty."""
    found: list[Inventory] = []
    missing: list[str] = []
    for source in mixture.used:
        try:
            found.append(_inventory(source))
        except InputError as error:
            missing.append(f"{source.name} ({error})")
    if missing:
        raise InputError(f"the mixture reads what this machine does not have: {'; '.join(missing)}")
    return found


def _inventory(source: Source) -> Inventory:
    if bool(source.paths) == bool(source.tasks):
        raise InputError(
            "a source has either paths or tasks" + (", not both" if source.paths else ", and this one has neither")
        )
    if source.tasks:
        return Inventory(
            source, tuple(Input(task_path(family), 0) for family in source.tasks), tuple(_task_units(source))
        )
    files = expand(source.paths)
    unit_bytes = _clamped(sum(file.bytes for file in files) // UNITS, UNIT_BYTES)
    units = tuple(_file_units(files, source.text_field, unit_bytes))
    if not units:
        raise InputError(f"there is nothing in {', '.join(source.paths)}")
    return Inventory(source, tuple(Input(file.path, file.bytes) for file in files), units)


def _task_units(source: Source) -> Iterator[TaskUnit]:
    families = len(source.tasks)
    if source.documents < families:
        raise InputError(
            f"its tasks write {source.documents} documents, and need at least one for each of {families} families"
        )
    per_unit = _clamped(source.documents // UNITS, UNIT_TASKS)
    for number, family in enumerate(source.tasks):
        find(family)
        if source.form in PAIR_FORMS:
            preference((family,), 0, TASK_SEED)
        documents = (source.documents + number) // families
        for start in range(0, documents, per_unit):
            yield TaskUnit(family, start, min(start + per_unit, documents))


def _file_units(files: Sequence[InputFile], text_field: str, unit_bytes: int) -> Iterator[FileUnit]:
    slices: list[Slice] = []
    work = 0
    for file in files:
        parts = split(file, unit_bytes)
        for part in parts:
            slices.append(part)
            work += file.bytes * (part.stop - part.start) // parts[-1].stop
            if work >= unit_bytes or len(slices) == UNIT_FILES:
                yield FileUnit(tuple(slices), text_field, work)
                slices, work = [], 0
    if slices:
        yield FileUnit(tuple(slices), text_field, work)


def _clamped(value: int, limits: tuple[int, int]) -> int:
    return min(max(value, limits[0]), limits[1])
