"""Watchdog that ends a process without progress, and leaves the stacks of its threads."""

import collections
import contextlib
import datetime
import faulthandler
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import jax

from tanuki_jax.base.errors import STUCK
from tanuki_jax.config import supervision

Kind = Literal["step", "evaluation", "save", "pause"]
"""Kind of work that a run does; a pause lies between two pieces of the others."""
LAST = 64
"""Number of pieces of a kind whose median tells how long one usually takes."""
CHECK_SECONDS = 1.0
"""Seconds between two checks of the watching thread; at most a tenth of `least_seconds`, at least 0.01."""
LOCKED_SECONDS = 30.0
"""Least seconds for which a thread may hold Python's lock."""
REPORT_SECONDS = 10.0
"""Seconds for writing the stacks before the process ends without them: it may be stuck on that very disk."""


class Watchdog:
    """Context in which a thread ends the process if the present piece of work takes too long.

    Too long is more than `multiple` times the median of the last pieces of its kind, and more than `least_seconds`. The
    thread then writes a message and the stacks of all threads to stderr and into `stacks/`, logs the event "stuck" and
    ends the process with STUCK. The first piece of a kind may take as long as it likes (compilation).

    The thread needs Python's lock. If another thread holds it for as long as `least_seconds`, faulthandler writes the
    stacks to stderr and ends the process with 1.
    """

    def __init__(self, settings: supervision.Watchdog, folder: Path, log_event: Callable[..., None]) -> None:
        """Prepare; the context starts the thread.

        Args:
            settings: when a piece takes too long; multiple 0: never.
            folder: of the run; the stacks are written to `stacks/PROCESS-TIME.txt` in it.
            log_event: called with an event's name and its details.
        """
        self._settings, self._folder, self._log_event = settings, folder, log_event
        self._process = jax.process_index()
        self._done: dict[Kind, collections.deque[float]] = {}
        self._piece: tuple[Kind, float] = ("pause", time.monotonic())
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> Self:
        if self._settings.multiple:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving.set()
        if self._settings.multiple:
            self._thread.join()

    @contextlib.contextmanager
    def during(self, kind: Literal["step", "evaluation", "save"]) -> Generator[None]:
        """Mark the block as one piece of work. Pieces do not overlap."""
        self._begin(kind)
        yield
        self._begin("pause")

    def _begin(self, kind: Kind) -> None:
        now = time.monotonic()
        before, since = self._piece
        if before in self._done:
            self._done[before].append(now - since)
        else:
            self._done[before] = collections.deque(maxlen=LAST)
        self._piece = kind, now

    def _watch(self) -> None:
        least = self._settings.least_seconds
        while not self._leaving.wait(max(0.01, min(CHECK_SECONDS, least / 10))):
            # Each check postpones the end by faulthandler, whose own thread needs no lock: it comes only if this one
            # gets no turn.
            faulthandler.dump_traceback_later(max(least, LOCKED_SECONDS), exit=True, file=2)
            kind, since = self._piece
            if kind not in self._done:
                continue
            durations = tuple(self._done[kind])
            usual = statistics.median(durations) if durations else 0.0
            seconds = time.monotonic() - since
            if seconds > max(least, self._settings.multiple * usual) and self._piece == (kind, since):
                self._end(kind, seconds, usual)
        faulthandler.cancel_dump_traceback_later()

    def _end(self, kind: Kind, seconds: float, usual: float) -> None:
        report = threading.Thread(target=self._report, args=(kind, seconds, usual), name="stuck", daemon=True)
        report.start()
        report.join(REPORT_SECONDS)
        os._exit(STUCK)

    def _report(self, kind: Kind, seconds: float, usual: float) -> None:
        others = f"{usual:.3g} s is usual" if usual else "only one came before it"
        message = f"stuck: this {kind} has taken {seconds:.1f} s so far, and {others}; the stacks of all threads follow"
        print(f"tanuki_jax.train: {message}", file=sys.stderr, flush=True)
        faulthandler.dump_traceback(file=2)
        now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
        path = self._folder / "stacks" / f"{self._process}-{now}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as file:
            print(message, file=file, flush=True)
            faulthandler.dump_traceback(file=file)
        self._log_event("stuck", piece=kind, seconds=round(seconds, 3), usual=round(usual, 3), stacks=str(path))
