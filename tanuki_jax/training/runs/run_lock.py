"""Lock of a run folder: one trainer at a time, on one host or on several that share the folder."""

import contextlib
import errno
import fcntl
import json
import logging
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from tanuki_jax.base.errors import InputError

LOCK = "trainer.lock"
"""File in the run folder, which stays there. It names the last trainer."""
PATIENCE_SECONDS = 5.0
"""Seconds for a trainer that was killed a moment ago to end: its memory is freed before its locks are."""
_RETRY_SECONDS = 0.2
_log = logging.getLogger("tanuki_jax.training")


@contextlib.contextmanager
def locked(run: Path, patience: float = PATIENCE_SECONDS) -> Iterator[str]:
    """Hold the lock of a run folder, which is created if missing; yield the path of the lock.

    The system frees the lock when the process ends, however it ends; on NFS, whose locks reach all hosts, the server
    does so about a minute and a half after a host died. A file system without locks is reported, and used without one.

    Args:
        run: folder of the run.
        patience: seconds to wait for another process.

    Raises:
        InputError: another process holds the lock.
    """
    run.mkdir(parents=True, exist_ok=True)
    with (run / LOCK).open("a+", encoding="utf-8") as file:
        try:
            _take(file, run, time.monotonic() + patience)
        except OSError as error:
            _log.warning("%s has no locks (%s): nothing stops a second trainer there", run, error.strerror)
        else:
            file.truncate(0)
            json.dump({"host": socket.gethostname(), "process": os.getpid()}, file)
            file.flush()
        try:
            yield str(run / LOCK)
        finally:
            if [path.name for path in run.iterdir()] == [LOCK]:  # the run was refused before anything was written
                (run / LOCK).unlink()
                run.rmdir()


def _take(file: TextIO, run: Path, until: float) -> None:
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
        if time.monotonic() >= until:
            raise InputError(
                f"{run} has another trainer, {_holder(file)}: a run has one at a time; wait for it, stop it, or begin "
                "another run with --name"
            )
        time.sleep(_RETRY_SECONDS)


def _holder(file: TextIO) -> str:
    """Return who wrote the file, as in "process 7 on host a"."""
    file.seek(0)
    try:
        holder = json.loads(file.read())
        return f"process {holder['process']} on host {holder['host']}"
    except (ValueError, LookupError, TypeError):
        return "whose name is not written yet"
