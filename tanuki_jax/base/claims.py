"""File locks that end with the process that holds them, so that the work of a killed process is free at once."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from tanuki_jax.base.errors import InputError

_LOCK = ".lock"


class Claim:
    """A locked file. Processes started with its `descriptor` hold the lock too, until the last of them has ended."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def attempt(cls, path: Path) -> Self | None:
        """Lock the file. Return None if another holder has locked it."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(descriptor)

    def release(self) -> None:
        """Close this process's descriptor, which frees the lock unless another process holds it too."""
        os.close(self.descriptor)


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Wait for the lock of the file, and hold it during the block."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def held_folder(folder: Path, record: str, command: str, kind: str) -> Iterator[None]:
    """Hold the folder of a run during the block, and make it if needed.

    Args:
        folder: the folder.
        record: name of the file that such a folder has from its beginning.
        command: name of the command, which holds it.
        kind: kind of run, as in "cleaning".

    Raises:
        InputError: it cannot be made, has files of something else, or another command holds it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"the folder {folder} cannot be made: {(error.strerror or str(error)).lower()}") from None
    if any(path.name != _LOCK for path in folder.iterdir()) and not (folder / record).exists():
        raise InputError(f"{folder} has files and is no folder of a {kind} run: name a new one by --out")
    claim = Claim.attempt(folder / _LOCK)
    if claim is None:
        raise InputError(f"another {command} command works in {folder}: wait for its end, or choose another --out")
    try:
        yield
    finally:
        claim.release()
