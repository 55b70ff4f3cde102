"""A stage of functions that each write one file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tanuki_jax.corpus.cleaning.engines.stage import Beacon


class FileTask(Protocol):
    """A task that reads files of earlier stages and writes one file, which appears once it is complete."""

    @property
    def out(self) -> Path:
        """Return the file that it writes."""
        ...

    def run(self) -> None:
        """Write the file."""
        ...


@dataclass(frozen=True)
class Call:
    """A call of a function that writes one file."""

    function: Callable[..., None]
    arguments: tuple[Any, ...]
    out: Path

    def run(self) -> None:
        """Call the function."""
        self.function(*self.arguments)


@dataclass(frozen=True)
class FileTasks:
    """A stage of such tasks."""

    title: str
    calls: tuple[FileTask, ...]

    @property
    def tasks(self) -> int:
        """Return the number of tasks."""
        return len(self.calls)

    def is_done(self, task: int) -> bool:
        """Whether the file of a task is there."""
        return self.calls[task].out.exists()

    def run(self, task: int, beacon: Beacon) -> None:
        """Write the file of a task."""
        self.calls[task].run()


def outputs(folder: Path, stage: str, count: int) -> list[Path]:
    """Return the files of the tasks of a stage, in a folder of its name, which is made."""
    (folder / stage).mkdir(parents=True, exist_ok=True)
    return [output(folder, stage, index) for index in range(count)]


def output(folder: Path, stage: str, index: int) -> Path:
    """Return the file of one task of a stage."""
    return folder / stage / f"{index:05d}"
