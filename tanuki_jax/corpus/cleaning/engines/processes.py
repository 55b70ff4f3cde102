"""Tasks in processes of this machine; a task whose process dies is done again, without the record it died on."""

import contextlib
import multiprocessing
import os
import pickle
import select
import signal
import tempfile
import threading
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
_GRACE_SECONDS = 2.0
"""Seconds that other tasks have to end by themselves after an error of one, such as a limit that all of them share."""
_PRELOADED = ["tanuki_jax.corpus.cleaning.clean_part"]


@dataclass
class _Attempts:
    """A task, and what happened to the processes that tried it."""

    task: int
    deaths: Counter[int] = field(default_factory=Counter)
    skipped: dict[int, str] = field(default_factory=dict)


@dataclass
class _Worker:
    """A process that does one task after the other."""

    process: BaseProcess
    connection: Connection
    """Sends it a task, and receives None or an error when the task has ended."""
    attempts: _Attempts
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
    aside. An error that a task raises ends the others and is raised here; after a `CommandError` they have a moment to
    end by themselves.

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
    busy: list[_Worker] = []
    with tempfile.TemporaryDirectory(prefix="tanuki_clean_") as name:
        folder = Path(name)
        try:
            while waiting or busy:
                while waiting and len(busy) < workers:
                    busy.append(_start(stage, waiting.pop(), folder))
                wait([each.connection for each in busy], timeout=_LOOK_SECONDS)
                each_look()
                for each in [*busy]:
                    try:
                        again = _look(stage, each, record_seconds)
                    except CommandError:
                        _let_end([other for other in busy if other is not each])
                        raise
                    if again is None:
                        continue
                    if again:
                        waiting.append(each.attempts)
                    if again or not waiting:
                        busy.remove(each)
                        _end(each)
                    else:
                        _give(each, waiting.pop(), folder)
        finally:
            for each in busy:
                each.process.kill()
                _end(each)


def _start(stage: Stage, attempts: _Attempts, folder: Path) -> _Worker:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(stage, theirs), daemon=True)
    process.start()
    theirs.close()
    worker = _Worker(process, ours, attempts, Beacon(_beacon(attempts, folder)), BEFORE_FIRST, time.monotonic())
    _give(worker, attempts, folder)
    return worker


def _beacon(attempts: _Attempts, folder: Path) -> Path:
    return folder / f"{attempts.task}.{attempts.deaths.total()}"


def _give(worker: _Worker, attempts: _Attempts, folder: Path) -> None:
    """Let a worker do a task."""
    path = _beacon(attempts, folder)
    worker.beacon.close()
    worker.attempts, worker.beacon, worker.record, worker.since = attempts, Beacon(path), BEFORE_FIRST, time.monotonic()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has died, which `_look` finds
        worker.connection.send((attempts.task, path, attempts.skipped))


def _let_end(workers: Sequence[_Worker]) -> None:
    """Wait a moment for the ends of tasks, so that what they hold in memory, such as paid answers, is written."""
    at_work, deadline = [each.connection for each in workers], time.monotonic() + _GRACE_SECONDS
    while at_work and (left := deadline - time.monotonic()) > 0:
        ended = wait(at_work, timeout=left)
        at_work = [each for each in at_work if each not in ended]


def _end(worker: _Worker) -> None:
    """Let a worker's process end, and wait for it."""
    worker.connection.close()
    worker.process.join()
    worker.beacon.close()


def _work(stage: Stage, tasks: Connection) -> None:
    """Do tasks in a process of its own until there are no more, and answer each with None or the error it raised."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command, which ends its processes
    _end_with_command(tasks)
    with contextlib.suppress(EOFError):
        while True:
            task, path, skipped = tasks.recv()
            beacon, answer = Beacon(path, skipped), None
            try:
                stage.run(task, beacon)
            except Exception as error:
                answer = _portable(error)
            beacon.close()
            try:
                tasks.send(answer)
            except BrokenPipeError:  # the command was killed
                return


def _portable(error: Exception) -> Exception:
    """Return an error that another process can read."""
    trace = "".join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(trace)
    if not isinstance(error, CommandError):
        error.add_note(trace)
    return error


def _end_with_command(connection: Connection) -> None:
    """Let this process end as soon as the command does, even if that is killed: what it does may cost money.

    The server that forked it ends some seconds later, so that a signal at its death would come too late.
    """

    def watch() -> None:
        hangup = select.poll()
        hangup.register(connection.fileno(), 0)  # events that are always reported: the other end is closed
        hangup.poll()
        os._exit(1)

    threading.Thread(target=watch, name="end with the command", daemon=True).start()


def _look(stage: Stage, worker: _Worker, record_seconds: float) -> bool | None:
    """Return whether a worker's task must be tried again, None while it is at work. Raise the error of the task."""
    if worker.connection.poll():
        try:
            answer = cast(Exception | None, worker.connection.recv())
        except (EOFError, ConnectionResetError):
            worker.process.join()
            _count_death(stage, worker)
            return True
        if answer is not None:
            if not isinstance(answer, CommandError):
                answer.add_note(f"in task {worker.attempts.task} of the stage {stage.title!r}")
            raise answer
        return False
    record, now = worker.beacon.read(), time.monotonic()
    if record != worker.record:
        worker.record, worker.since = record, now
    elif record != BEFORE_FIRST and now - worker.since > record_seconds:
        worker.overtime = True
        worker.process.kill()
    return None


def _count_death(stage: Stage, worker: _Worker) -> None:
    """Note on which record a process died, and set the record aside when it was not the first death."""
    attempts, record = worker.attempts, worker.beacon.read()
    attempts.deaths[record] += 1
    cause = "took too long" if worker.overtime else f"ended its process ({_ending(worker.process.exitcode)})"
    if attempts.deaths[record] < DEATHS:
        return
    if record == BEFORE_FIRST or record in attempts.skipped or len(attempts.skipped) >= MOST_SKIPPED:
        raise InputError(
            f"task {attempts.task} of the stage {stage.title!r} {cause} again and again; "
            "the machine may be short of memory: try fewer --workers"
        )
    attempts.skipped[record] = cause


def _ending(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-exitcode).name
    return f"exit code {exitcode}"
