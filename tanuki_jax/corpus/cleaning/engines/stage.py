"""The protocol of a stage: tasks that any engine may run, in any order and at the same time."""

import mmap
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

BEFORE_FIRST = -1
"""Number that a beacon shows before the first record."""
_NUMBER = struct.Struct("<q")


class Beacon:
    """The number of the record that a task works on, which outlives the process: a file in shared memory."""

    def __init__(self, path: Path, skipped: Mapping[int, str] | None = None) -> None:
        """Open the beacon in the file, which is made if it does not exist.

        Args:
            path: file of the beacon.
            skipped: record -> reason to set it aside, because the process ended on it before.
        """
        if not path.exists():
            path.write_bytes(_NUMBER.pack(BEFORE_FIRST))
        self.skipped = skipped or {}
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _NUMBER.size)

    def show(self, record: int) -> None:
        """Say that work on a record begins."""
        _NUMBER.pack_into(self._memory, 0, record)

    def read(self) -> int:
        """Return the record that was shown last."""
        return int(_NUMBER.unpack_from(self._memory, 0)[0])

    def close(self) -> None:
        """Close the file."""
        self._memory.close()


class Stage(Protocol):
    """Tasks that may run at the same time. They are pickled for other processes and machines."""

    @property
    def title(self) -> str:
        """Return what the tasks do, as in "clean"."""
        ...

    @property
    def tasks(self) -> int:
        """Return the number of tasks."""
        ...

    def is_done(self, task: int) -> bool:
        """Whether the output of a task is complete."""
        ...

    def run(self, task: int, beacon: Beacon) -> None:
        """Do a task, and write its output so that it appears complete or not at all. The beacon shows each record."""
        ...


def pending(stage: Stage) -> list[int]:
    """Return the tasks without a complete output."""
    return [task for task in range(stage.tasks) if not stage.is_done(task)]
