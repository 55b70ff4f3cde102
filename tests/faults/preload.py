"""Processes whose reads or writes fail, or never return: `failing_io.c` compiled and preloaded."""

import dataclasses
import errno
import os
import subprocess
from pathlib import Path
from typing import Literal

SOURCE = Path(__file__).with_name("failing_io.c")


@dataclasses.dataclass(frozen=True)
class FailingIO:
    """The compiled library and its log of failed calls."""

    library: Path
    log: Path

    def environment(
        self,
        part_of_path: str,
        *,
        on: Literal["reads", "writes"],
        every: int = 1,
        after: int = 0,
        number: int = errno.EIO,
    ) -> dict[str, str]:
        """Return the environment of a process in which every n-th call on such paths fails, after the first calls.

        `number` is the errno; 0: the call never returns.
        """
        options = {"ON": on, "PATH": part_of_path, "EVERY": every, "AFTER": after, "ERRNO": number, "LOG": self.log}
        return {"LD_PRELOAD": str(self.library)} | {f"FAIL_{name}": str(value) for name, value in options.items()}

    def failed(self) -> list[str]:
        """Return the calls that failed so far, each with its path."""
        return self.log.read_text().splitlines() if self.log.exists() else []


def compiled(folder: Path) -> FailingIO:
    """Compile the library in a folder."""
    library = folder / "failing_io.so"
    command = (
        os.environ.get("CC", "gcc"),
        "-O1",
        "-Wall",
        "-Werror",
        "-shared",
        "-fPIC",
        "-o",
        str(library),
        str(SOURCE),
        "-ldl",
    )
    subprocess.run(command, check=True)
    return FailingIO(library, folder / "failing_io.log")
