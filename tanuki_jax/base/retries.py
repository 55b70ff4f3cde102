"""Retries of reads that fail now and then, as on network file systems."""

import contextlib
import errno
import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

TRANSIENT = frozenset(
    {
        errno.EIO,
        errno.EAGAIN,
        errno.ETIMEDOUT,
        errno.ESTALE,
        errno.EREMOTEIO,
        errno.ECONNRESET,
        errno.EHOSTUNREACH,
        errno.ENETUNREACH,
    }
)
"""Error codes of a network file system whose server, or the route to it, is down for a while. Waiting does not help
against a full disk, a missing permission or too many open files."""
WAITS = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)
"""Seconds before each retry, 12.7 in all. The loader's read-ahead hides the first few. After the last one the run fails
and must be started again, which costs more. Readers on several hosts do not start together, so jitter is not needed."""

_log = logging.getLogger(__name__)


def retrying[Result](read: Callable[[], Result], path: Path) -> Result:
    """Call `read`, again after a wait if it fails with a transient error, and return its result. Log each such failure.

    Args:
        read: may raise OSError, or tensorstore's ValueError for a failed system call.
        path: the file that is read, for the log and the error.

    Raises:
        OSError: the last attempt failed, or an error is not transient.
    """
    for wait in WAITS:
        try:
            with system_errors(path):
                return read()
        except OSError as error:
            if error.errno not in TRANSIENT:
                raise
            _log.warning("reading %s failed (%s); trying again in %g s", path, error.strerror, wait)
            time.sleep(wait)
    with system_errors(path):
        return read()


@contextlib.contextmanager
def system_errors(path: Path) -> Iterator[None]:
    """Convert tensorstore's ValueError for a failed system call into the OSError of that call."""
    try:
        yield
    except ValueError as error:
        code = re.search(r"os_error_code='(\d+)'", str(error))
        if code is None:
            raise
        raise OSError(int(code[1]), os.strerror(int(code[1])), str(path)) from error
