"""Claims of work in a folder that several hosts share. They save doing work twice, and its result does not need them.

A claim is a file that its holder locks, as in `claims`: a process that ends frees its locks, and a lock that is taken
proves that its holder lives. Where locks do not reach other hosts, or outlive them, the file itself counts: it names
its holder, who touches it every few seconds, and one that was not touched for minutes is that of a host that died. A
host that was only cut off goes on, so two processes may do the same work at once: both must be allowed to.
"""

import contextlib
import errno
import fcntl
import json
import os
import socket
import tempfile
import threading
import types
from pathlib import Path
from typing import Self

from tanuki_jax.base.claims import Claim

TOUCH_SECONDS = 15.0
"""Seconds between two touches of a claim. Attributes of files on NFS are up to a minute old."""
EXPIRY_SECONDS = 150.0
"""Seconds after its last touch at which another host's claim is free."""
_SUFFIX = ".claim"
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
"""Error codes of file systems without locks."""


class Leases:
    """Claims of this process in one folder. A thread touches them; the end of the `with` block releases all."""

    def __init__(
        self, folder: Path, touch_seconds: float = TOUCH_SECONDS, expiry_seconds: float = EXPIRY_SECONDS
    ) -> None:
        """Claim nothing yet. The folder may be deleted at any time, from which on no claim is granted."""
        self._folder, self._touch_seconds, self._expiry_seconds = folder, touch_seconds, expiry_seconds
        self._held: dict[str, Claim] = {}
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._toucher = threading.Thread(target=self._touch, name="leases", daemon=True)

    def attempt(self, name: str) -> bool:
        """Claim `name`. Return False if another process has claimed it, on this host or on another."""
        path = claim_path(self._folder, name)
        try:
            claim = _created(path) or self._freed(path)
        except FileNotFoundError:  # the holder has released it just now, or the folder is gone
            return False
        if claim is None:
            return False
        os.ftruncate(claim.descriptor, 0)
        os.pwrite(claim.descriptor, json.dumps({"host": socket.gethostname(), "process": os.getpid()}).encode(), 0)
        with self._lock:
            self._held[name] = claim
        return True

    def release(self, name: str) -> None:
        """Release a claim that this process holds."""
        with self._lock:
            claim = self._held.pop(name)
        claim_path(self._folder, name).unlink(missing_ok=True)
        claim.release()

    def __enter__(self) -> Self:
        self._toucher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self._ended.set()
        self._toucher.join()
        for name in [*self._held]:
            self.release(name)

    def _freed(self, path: Path) -> Claim | None:
        """Return the claim of a process that has ended, locked; None if its holder lives, or may live elsewhere."""
        claim, is_free = Claim(os.open(path, os.O_RDWR)), False
        try:
            has_locked = locked(claim.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_free = has_locked is not False and self._is_free(claim.descriptor, path, has_locked is True)
        finally:
            if not is_free:
                claim.release()
        return claim if is_free else None

    def _is_free(self, descriptor: int, path: Path, has_locked: bool) -> bool:
        """Whether no process holds a claim that this process has locked, or could not lock for want of locks."""
        status = os.fstat(descriptor)
        if not os.path.samestat(status, path.stat()):  # its holder has deleted it since it was opened
            return False
        try:
            holder = json.loads(os.pread(descriptor, 1_000, 0))["host"]
        except (ValueError, LookupError, TypeError):  # its holder was killed, or has not written its name yet
            holder = None
        if has_locked and holder == socket.gethostname():  # locks reach all processes of a host
            return True
        # A new file has the time of the server's clock, as touched ones have: clocks of hosts are not compared.
        with tempfile.TemporaryFile(dir=self._folder) as new:
            return os.fstat(new.fileno()).st_mtime - status.st_mtime > self._expiry_seconds

    def _touch(self) -> None:
        while not self._ended.wait(self._touch_seconds):
            with self._lock:
                for claim in self._held.values():
                    with contextlib.suppress(OSError):  # the folder is gone, or cannot be reached for a while
                        os.utime(claim.descriptor)


def claim_path(folder: Path, name: str) -> Path:
    """Return the file that claims `name`."""
    return folder / f".{name}{_SUFFIX}"


def delete_claims(folder: Path) -> bool:
    """Delete the claims of processes that have ended. Return whether no others are left."""
    names = [path.name[1:].removesuffix(_SUFFIX) for path in folder.glob(f".*{_SUFFIX}")]
    with Leases(folder) as leases:
        return all([leases.attempt(name) for name in names])


def _created(path: Path) -> Claim | None:
    """Create and lock the file of a claim. None if it exists."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return None
    locked(descriptor, fcntl.LOCK_EX)  # waits for a process that looks at the new file, and leaves it
    return Claim(descriptor)


def locked(descriptor: int, how: int) -> bool | None:
    """Lock a file as `fcntl.flock` does. Return False if another process holds it; None if there are no locks here."""
    try:
        fcntl.flock(descriptor, how)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return None
    return True
