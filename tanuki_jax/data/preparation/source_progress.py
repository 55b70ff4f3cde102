"""How far the work on one source is: a bar on a terminal, else a line now and then."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

SECONDS_BETWEEN_LINES = 10.0


class SourceProgress:
    """Shows on stderr what share of a source is encoded, tokens per second, and the time left."""

    def __init__(self, bar: Progress, name: str, work: int, unit: Literal["bytes", "documents"]) -> None:
        self._bar = bar
        self._name = name
        self._work = work
        self._unit = unit
        self._task = bar.add_task(name, total=work, state="")
        self._began = self._last_line = time.monotonic()
        self._done = self._resumed = self._tokens = 0

    def resume(self, work: int) -> None:
        """Counts what an earlier run has encoded."""
        self._done = self._resumed = work
        self._bar.reset(self._task, total=self._work, completed=work)
        self.say(f"{self._name}: {self._amount(work)} of {self._amount(self._work)} were encoded by an earlier run")

    def advance(self, work: int, tokens: int) -> None:
        """Counts what was encoded just now, and the tokens that it gave."""
        self._done += work
        self._tokens += tokens
        now = time.monotonic()
        seconds = max(now - self._began, 1e-3)
        state = f"{self._amount(self._done)} of {self._amount(self._work)}, {self._tokens / seconds:,.0f} tokens/s"
        self._bar.update(self._task, completed=self._done, state=state)
        if not self._bar.console.is_terminal and now - self._last_line > SECONDS_BETWEEN_LINES:
            self._last_line = now
            left = seconds * (self._work - self._done) / max(self._done - self._resumed, 1)
            self.say(f"{self._name}: {state}, {left:,.0f} s left")

    def say(self, line: str) -> None:
        """Prints a line, above the bar if there is one."""
        self._bar.console.print(line, soft_wrap=True)

    def _amount(self, work: int) -> str:
        return decimal(work) if self._unit == "bytes" else f"{work:,} documents"


@contextmanager
def source_progress(name: str, work: int, unit: Literal["bytes", "documents"]) -> Iterator[SourceProgress]:
    """A progress display that is there as long as the block."""
    console = Console(stderr=True, markup=False, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[state]}"), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        yield SourceProgress(bar, name, work, unit)
