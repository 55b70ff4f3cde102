"""Ends a process that makes no progress, and leaves the stacks that say where it stood."""

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
from tanuki_jax.config import experiment

Kind = Literal["step", "evaluation", "save", "pause"]
"""What a run does; a pause is what lies between the others."""
LAST = 64
"""Pieces of a kind that say how long one usually takes."""
LOOKS_EVERY = 1.0
"""Seconds between two looks of the watching thread; a tenth of `least_seconds` where that is less, and never below a hundredth."""
LOCKED = 30.0
"""Seconds at the least for which a thread may hold Python's lock."""
FAREWELL = 10.0
"""Seconds for writing down where the process stood: the disk may be what it waits for."""


class Watchdog:
    """Within the context a thread looks whether the piece of work under way takes longer than it may.

    That is `multiple` times the median of the last pieces of its kind, and `least_seconds` at the least. If so it says so on stderr, writes
    every thread's stack there and into `stacks/`, tells the event "stuck" and ends the process with STUCK. The first piece of a kind may
    take as long as it likes (compilation).

    The thread needs Python's lock. Where another holds it for as long as `least_seconds`, faulthandler writes the stacks to stderr and ends
    the process with 1.
    """

    def __init__(self, settings: experiment.Watchdog, folder: Path, tell: Callable[..., None]) -> None:
        """Watches nothing yet.

        Args:
            settings: when a piece is too long; multiple 0: never.
            folder: the run's; the stacks of a process go to `stacks/PROCESS-TIME.txt` in it.
            tell: takes an event's name and its details.
        """
        self._settings, self._folder, self._tell = settings, folder, tell
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
        """Around one piece of work; pieces lie one after the other."""
        self._turn_to(kind)
        yield
        self._turn_to("pause")

    def _turn_to(self, kind: Kind) -> None:
        now = time.monotonic()
        before, since = self._piece
        if before in self._done:
            self._done[before].append(now - since)
        else:
            self._done[before] = collections.deque(maxlen=LAST)
        self._piece = kind, now

    def _watch(self) -> None:
        least = self._settings.least_seconds
        while not self._leaving.wait(max(0.01, min(LOOKS_EVERY, least / 10))):
            faulthandler.dump_traceback_later(max(least, LOCKED), exit=True, file=2)
            kind, since = self._piece
            if kind not in self._done:
                continue
            durations = tuple(self._done[kind])
            usual = statistics.median(durations) if durations else 0.0
            lasts = time.monotonic() - since
            if lasts > max(least, self._settings.multiple * usual) and self._piece == (kind, since):
                self._end(kind, lasts, usual)
        faulthandler.cancel_dump_traceback_later()

    def _end(self, kind: Kind, lasts: float, usual: float) -> None:
        farewell = threading.Thread(target=self._say, args=(kind, lasts, usual), name="farewell", daemon=True)
        farewell.start()
        farewell.join(FAREWELL)
        os._exit(STUCK)

    def _say(self, kind: Kind, lasts: float, usual: float) -> None:
        others = f"{usual:.3g} s is usual" if usual else "there was one only before it"
        sentence = f"stuck: this {kind} lasts {lasts:.1f} s, and {others}; the stacks of all threads follow"
        print(f"tanuki_jax.train: {sentence}", file=sys.stderr, flush=True)
        faulthandler.dump_traceback(file=2)
        now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
        path = self._folder / "stacks" / f"{self._process}-{now}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as file:
            print(sentence, file=file, flush=True)
            faulthandler.dump_traceback(file=file)
        self._tell("stuck", piece=kind, seconds=round(lasts, 3), usual=round(usual, 3), stacks=str(path))
