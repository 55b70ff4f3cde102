"""Progress of a long wait on stderr: a bar where that is a terminal, else a plain line every ten seconds."""

import contextlib
import datetime
import sys
import threading
from collections.abc import Iterator

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

BAR_AFTER = 1.0
"""Seconds after which a bar is shown: a wait that ends sooner shows nothing."""
LINE_EVERY = 10.0
"""Seconds between two plain lines, and before the first."""
RATE_WINDOW = 600.0
"""Seconds over which the rate is averaged."""


class Advance:
    """The progress of one wait. Call it with the number of units done since the last call."""

    def __init__(self, console: Console, title: str, total: int | None, unit: str, done: int) -> None:
        self._title, self._unit, self._done_before, self._status = title, unit, done, ""
        title_column = TextColumn("{task.description}", markup=False)
        self.bar = Progress(
            title_column,
            BarColumn(bar_width=20),
            _Figures(self),
            console=console,
            transient=True,
            expand=True,
            refresh_per_second=2,
            redirect_stdout=sys.stdout.isatty(),  # else what is printed for a file or a pipe would land on stderr
            speed_estimate_period=RATE_WINDOW,
        )
        self._task = self.bar.add_task(title, total=total, completed=done)

    def __call__(self, units: int = 1, *, status: str | None = None) -> None:
        """Count more units as done.

        Args:
            units: number of units done since the last call.
            status: text to show behind the figures from now on; None: the last one stays.
        """
        if status is not None:
            self._status = status
        if units:  # the rate counts from the first units on, without the time to compile what makes them
            self.bar.advance(self._task, units)

    def print(self, line: str) -> None:
        """Print a line on stderr, above the bar if there is one."""
        self.bar.console.print(line, soft_wrap=True)

    @property
    def line(self) -> str:
        """Return title and figures, as in `books: 2.5 MB of 4.0 MB (62%), 1.2 MB/s, 0:00:12 left`."""
        return f"{self._title}: {self.figures}"

    @property
    def figures(self) -> str:
        """Return units done, share, rate, time left and status; the elapsed time while the time left is unknown."""
        task = next(task for task in self.bar.tasks if task.id == self._task)
        rate, elapsed = self._rate(task), datetime.timedelta(seconds=int(task.elapsed or 0))
        parts = []
        if task.total is not None:
            parts.append(f"{_part(task.completed, task.total, self._unit)} ({task.percentage:.0f}%)")
        elif task.completed:
            parts.append(amount(task.completed, self._unit))
        if rate:
            parts.append(_speed(rate, self._unit))
        if rate and task.remaining is not None:
            parts.append(f"{datetime.timedelta(seconds=round(max(task.remaining, 0) / rate))} left")
        else:
            parts.append(f"{elapsed} elapsed")
        return ", ".join([*parts, *([self._status] if self._status else [])])

    def _rate(self, task: Task) -> float:
        """Return units per second: of the last samples, or since the start while `Task.speed` has too few; 0: none."""
        return task.speed or (task.completed - self._done_before) / max(task.elapsed or 0.0, 1e-3)


class _Figures(ProgressColumn):
    """The figures of an `Advance`, wrapped where the terminal is narrow."""

    def __init__(self, advance: Advance) -> None:
        super().__init__(Column(ratio=1))
        self._advance = advance

    def render(self, task: Task) -> Text:
        return Text(self._advance.figures)


@contextlib.contextmanager
def progress(
    title: str,
    total: int | None,
    unit: str = "",
    *,
    done: int = 0,
    bar_after: float = BAR_AFTER,
    line_every: float = LINE_EVERY,
) -> Iterator[Advance]:
    """Show the progress of the block on stderr.

    Both displays are kept up to date by a thread, so that a wait without any `advance` shows its elapsed time.

    Args:
        title: what is being done.
        total: number of units; None: not known.
        unit: its name in the singular; `byte` is shown as kB, MB, ...; empty: none.
        done: units that an earlier run has done: they count for the share and not for the rate.
        bar_after: seconds before a bar appears.
        line_every: seconds between plain lines.
    """
    console = Console(stderr=True, markup=False, highlight=False)
    advance, ended = Advance(console, title, total, unit, done), threading.Event()
    show = _show_bar if console.is_interactive else _print_lines
    seconds = bar_after if console.is_interactive else line_every
    thread = threading.Thread(target=show, args=(advance, ended, seconds), name="progress", daemon=True)
    thread.start()
    try:
        yield advance
    finally:
        ended.set()
        thread.join()


def _show_bar(advance: Advance, ended: threading.Event, seconds: float) -> None:
    if not ended.wait(seconds):
        with advance.bar:
            ended.wait()


def _print_lines(advance: Advance, ended: threading.Event, seconds: float) -> None:
    while not ended.wait(seconds):
        advance.print(advance.line)


def amount(count: float, unit: str) -> str:
    """Return a number with its unit: `1 step`, `1,234 documents`, `2.5 MB`."""
    if unit == "byte":
        return decimal(int(count))
    return f"{count:,} {unit}{'s' * (count != 1)}" if unit else f"{count:,}"


def _part(done: float, total: float, unit: str) -> str:
    return f"{decimal(int(done)) if unit == 'byte' else f'{done:,}'} of {amount(total, unit)}"


def _speed(rate: float, unit: str) -> str:
    """Return a rate with its unit: `12.3 layouts/s`, or `8.2 s a layout` for a rate below one."""
    if unit == "byte":
        return f"{decimal(int(rate))}/s"
    if rate < 1:
        return f"{1 / rate:,.3g} s {f'a {unit}' if unit else 'each'}"
    number = f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"
    return f"{number} {unit}s/s" if unit else f"{number}/s"
