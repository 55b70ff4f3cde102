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
    """The compiled library, and where it writes down which calls it failed."""

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
        """What a process is started with so that, of its calls on such paths after the first few, every n-th fails; by 0, it never ends."""
        said = {"ON": on, "PATH": part_of_path, "EVERY": every, "AFTER": after, "ERRNO": number, "LOG": self.log}
        return {"LD_PRELOAD": str(self.library)} | {f"FAIL_{name}": str(value) for name, value in said.items()}

    def failed(self) -> list[str]:
        """The calls that failed so far, each with its path."""
        return self.log.read_text().splitlines() if self.log.exists() else []


def compiled(folder: Path) -> FailingIO:
    """The library, made in a folder of the test's."""
    library = folder / "failing_io.so"
    words = (
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
    subprocess.run(words, check=True)
    return FailingIO(library, folder / "failing_io.log")
