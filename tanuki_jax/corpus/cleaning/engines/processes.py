"""Tasks in processes of this machine, each of its own: one that dies is started again without the record it died on."""

import contextlib
import ctypes
import multiprocessing
import pickle
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import cast

from tanuki_jax.base.errors import CommandError, InputError
from tanuki_jax.corpus.cleaning.engines.stage import BEFORE_FIRST, Beacon, Stage

RECORD_SECONDS = 60.0
"""Seconds that work on one record may take; then it is set aside."""
DEATHS = 2
"""Deaths of a process on the same record, or on none, after which the record is set aside, or the task fails: one may
be another's fault, such as a machine short of memory."""
MOST_SKIPPED = 1_000
"""Most records that one task may set aside in this way."""
_LOOK_SECONDS = 0.5
_PR_SET_PDEATHSIG = 1
_PRELOADED = ["tanuki_jax.corpus.cleaning.clean_part"]


@dataclass
class _Attempts:
    """A task, and what happened to the processes that tried it."""

    task: int
    deaths: Counter[int] = field(default_factory=Counter)
    skipped: dict[int, str] = field(default_factory=dict)


@dataclass
class _Running:
    """A process that does a task."""

    attempts: _Attempts
    process: BaseProcess
    errors: Connection
    beacon: Beacon
    record: int
    since: float
    """Monotonic time since when the beacon shows this record."""
    overtime: bool = False


def run_in_processes(
    stage: Stage,
    tasks: Sequence[int],
    workers: int,
    *,
    record_seconds: float = RECORD_SECONDS,
    each_look: Callable[[], None] = lambda: None,
) -> None:
    """Do tasks of a stage, and return when all are done.

    A task whose process dies or takes too long on a record is started again; at the second time it sets the record
    aside. An error that a task raises ends the others and is raised here.

    Args:
        stage: a stage.
        tasks: numbers of its tasks.
        workers: most processes at once.
        record_seconds: seconds that work on one record may take.
        each_look: called about twice a second.

    Raises:
        InputError: a process died again and again before its first record, or on too many records.
    """
    waiting = [_Attempts(task) for task in reversed(tasks)]
    running: list[_Running] = []
    with tempfile.TemporaryDirectory(prefix="tanuki_clean_") as folder:
        try:
            while waiting or running:
                while waiting and len(running) < workers:
                    running.append(_start(stage, waiting.pop(), Path(folder)))
                wait([each.process.sentinel for each in running], timeout=_LOOK_SECONDS)
                each_look()
                for each in [*running]:
                    _watch(each, record_seconds)
                    if each.process.exitcode is not None:
                        running.remove(each)
                        if _finish(stage, each):
                            waiting.append(each.attempts)
        finally:
            for each in running:
                each.process.kill()
                each.process.join()


def _start(stage: Stage, attempts: _Attempts, folder: Path) -> _Running:
    path = folder / f"{attempts.task}.{attempts.deaths.total()}"
    beacon = Beacon(path)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    errors, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(stage, attempts.task, path, attempts.skipped, sender), daemon=True)
    process.start()
    sender.close()
    return _Running(attempts, process, errors, beacon, BEFORE_FIRST, time.monotonic())


def _work(stage: Stage, task: int, path: Path, skipped: dict[int, str], errors: Connection) -> None:
    """Do a task in a process of its own, and send the error that it raises."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command, which ends its processes
    _end_with_parent()
    try:
        stage.run(task, Beacon(path, skipped))
    except Exception as error:
        try:
            errors.send_bytes(pickle.dumps(error))
        except Exception:  # an error that cannot be pickled
            errors.send_bytes(pickle.dumps(RuntimeError("".join(traceback.format_exception(error)))))
        raise SystemExit(1) from None


def _end_with_parent() -> None:
    """Let Linux kill this process when the server that forked it ends, which happens when the command is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _watch(running: _Running, record_seconds: float) -> None:
    """Kill a process that has worked on one record for too long."""
    record, now = running.beacon.read(), time.monotonic()
    if record != running.record:
        running.record, running.since = record, now
    elif record != BEFORE_FIRST and now - running.since > record_seconds and running.process.exitcode is None:
        running.overtime = True
        running.process.kill()
        running.process.join()


def _finish(stage: Stage, ended: _Running) -> bool:
    """Return whether a task must be tried again, after its process has ended. Raise the error that it sent."""
    attempts, record = ended.attempts, ended.beacon.read()
    ended.beacon.close()
    sent: Exception | None = None
    with contextlib.suppress(EOFError), ended.errors:
        sent = cast(Exception, pickle.loads(ended.errors.recv_bytes()))
    if sent is not None:
        if not isinstance(sent, CommandError):
            sent.add_note(f"in task {attempts.task} of the stage {stage.title!r}")
        raise sent
    if ended.process.exitcode == 0:
        return False
    attempts.deaths[record] += 1
    cause = "took too long" if ended.overtime else f"ended its process ({_ending(ended.process.exitcode)})"
    if attempts.deaths[record] >= DEATHS:
        if record == BEFORE_FIRST or len(attempts.skipped) >= MOST_SKIPPED:
            raise InputError(
                f"task {attempts.task} of the stage {stage.title!r} {cause} again and again; "
                "the machine may be short of memory: try fewer --workers"
            )
        attempts.skipped[record] = cause
    return True


def _ending(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-exitcode).name
    return f"exit code {exitcode}"
