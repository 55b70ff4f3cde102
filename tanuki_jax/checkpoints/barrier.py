"""Barrier between the processes of a save, for threads that cannot run a computation of all processes."""

import contextlib
import itertools
import os
import re
from collections.abc import Generator

import jax
from orbax.checkpoint import multihost

_TIMEOUT_MILLISECONDS = 3_600_000
"""Longest wait, while one process reads back all that was written. JAX ends waits for a dead process long before."""
_saves = itertools.count()
"""Number of the next save. All processes make the same saves, so their numbers agree."""


class SaveFailed(Exception):
    """Failure of a save in this process or another one; the message is the same in all."""


class SaveBarrier:
    """Waits of one save that no process leaves before all have arrived.

    Every process counts its waits, so that the n-th wait of one meets the n-th of the others. A process that fails
    stores its reason before it arrives; after the barrier all processes read the same reasons, and so agree.
    """

    def __init__(self) -> None:
        self._save, self._number = next(_saves), 0

    @contextlib.contextmanager
    def section(self) -> Generator[None]:
        """Leave the block when all processes have left it; raise SaveFailed in all of them if one of them fails in it.

        Nested waits are completed first; a process that fails early reports its failure at the next wait.
        """
        failure, cause = "", None
        try:
            yield
        except SaveFailed:
            raise  # from a nested wait, which failed in every process: no other one arrives at the wait below
        except Exception as error:
            failure, cause = _in_one_line(error), error
        try:
            self.wait(failure)
        except SaveFailed as failed:
            raise failed from cause

    def wait(self, failure: str = "") -> None:
        """Wait for all processes; raise SaveFailed if one of them arrives with a failure."""
        failures = [failure] if failure else []
        if jax.process_count() > 1:
            key = f"tanuki_jax/checkpoints/{self._save}/{self._number}"
            self._number += 1
            client = multihost.get_jax_distributed_client()
            try:
                if failure:
                    client.key_value_set(f"{key}/{jax.process_index()}", f"process {jax.process_index()}: {failure}")
                client.wait_at_barrier(key, _TIMEOUT_MILLISECONDS)
                failures = [value for _, value in sorted(client.key_value_dir_get(key))]
            except jax.errors.JaxRuntimeError as error:
                raise SaveFailed(_in_one_line(error)) from error
        if failures:
            raise SaveFailed(failures[0])


def _in_one_line(error: Exception) -> str:
    """Return an error's message; for a failed system call, which tensorstore describes at length, the system's name."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}{f': {error.filename}' if error.filename else ''}"
    if code := re.search(r"os_error_code='(\d+)'", str(error)):
        return os.strerror(int(code[1]))
    return f"{type(error).__name__}: {' '.join(str(error).split())[:400]}".removesuffix(": ")
