"""Locks that a process holds no longer than it lives, so that what a killed one was doing is free at once."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self


class Claim:
    """A locked file. Processes that are started with its `descriptor` hold it too, until the last of them has ended."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def attempt(cls, path: Path) -> Self | None:
        """The lock of that file, or None while another has it."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(descriptor)

    def release(self) -> None:
        """Gives it up on the part of this process."""
        os.close(self.descriptor)


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Waits until no other process or thread is within such a block of the same file."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
