"""What processes tell each other about a save, from threads in which they cannot compute together."""

import contextlib
import itertools
import os
import re
from collections.abc import Generator

import jax
from orbax.checkpoint import multihost

_TIMEOUT_MILLISECONDS = 3_600_000
"""One process reads back all that was written while the others wait. Those whose process is dead are ended by JAX long before."""
_saves = itertools.count()
"""Processes make as many saves as each other, so that numbers are the same in all."""


class Failed(Exception):
    """A save failed, in this process or in another one: the same words in all."""


class Meetings:
    """Points of one save that no process passes alone."""

    def __init__(self) -> None:
        self._save, self._number = next(_saves), 0

    @contextlib.contextmanager
    def together(self) -> Generator[None]:
        """Returns when all processes have left the block; raises Failed in all of them if one of them fails in it.

        A meeting inside the block is passed, or failed, first. A process that fails before comes to it in its place.
        """
        failure, cause = "", None
        try:
            yield
        except Failed:
            raise
        except Exception as error:
            failure, cause = _in_one_line(error), error
        try:
            self.meet(failure)
        except Failed as failed:
            raise failed from cause

    def meet(self, failure: str = "") -> None:
        """Waits for all processes; raises Failed if one of them came with a failure."""
        said = [failure] if failure else []
        if jax.process_count() > 1:
            key = f"tanuki_jax/checkpoints/{self._save}/{self._number}"
            self._number += 1
            client = multihost.get_jax_distributed_client()
            try:
                if failure:
                    client.key_value_set(f"{key}/{jax.process_index()}", f"process {jax.process_index()}: {failure}")
                client.wait_at_barrier(key, _TIMEOUT_MILLISECONDS)
                said = [value for _, value in sorted(client.key_value_dir_get(key))]
            except jax.errors.JaxRuntimeError as error:
                raise Failed(_in_one_line(error)) from error
        if said:
            raise Failed(said[0])


def _in_one_line(error: Exception) -> str:
    """What an error says; of a failed system call, of which tensorstore tells at length, what the system calls it."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}{f': {error.filename}' if error.filename else ''}"
    if code := re.search(r"os_error_code='(\d+)'", str(error)):
        return os.strerror(int(code[1]))
    return f"{type(error).__name__}: {' '.join(str(error).split())[:400]}".removesuffix(": ")
