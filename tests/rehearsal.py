"""Mock teachers for tests: in the test's own event loop, or in a process of their own."""

import contextlib
import dataclasses
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from tanuki_jax.base.json_lines import lines
from tanuki_jax.client.rehearsal.behaviour import Behaviour
from tanuki_jax.client.rehearsal.mock_teacher import MockTeacher


@dataclasses.dataclass(frozen=True)
class Teacher:
    """A running mock teacher."""

    url: str
    log: Path

    def log_lines(self) -> list[dict[str, Any]]:
        """Return the lines of its log."""
        return [line for _, line in lines(self.log)]


@contextlib.asynccontextmanager
async def teaching(log: Path, **behaviour: Any) -> AsyncIterator[Teacher]:
    """Run a mock teacher in this event loop during the block.

    Args:
        log: its log.
        behaviour: fields of `Behaviour`.
    """
    async with MockTeacher(Behaviour(**behaviour), log=log) as teacher:
        yield Teacher(teacher.url, log)


@contextlib.contextmanager
def rehearsing(log: Path, *words: str) -> Iterator[Teacher]:
    """Run `python -m tanuki_jax.rehearse` with these options during the block, at a free port."""
    command = [sys.executable, "-m", "tanuki_jax.rehearse", "--port", "0", "--log", str(log), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            match = re.search(r"http://\S+", process.stdout.readline())
            assert match, "the mock teacher did not start"
            yield Teacher(match[0], log)
        finally:
            process.terminate()
            assert process.wait(10) == 0
