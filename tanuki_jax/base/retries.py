"""Reads that fail now and then, as those of network file systems do, are tried again."""

import contextlib
import errno
import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PASSING = frozenset(
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
"""What a network file system says while its server or the way there is away. A full disk, a file that may not be read or one too many
that is open does not pass by waiting."""
WAITS = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)
"""Seconds before each further try, 12.7 in all: the read-ahead of the loader hides the first few, and after the last the run fails, to be
started again, which costs it more. Readers on many hosts need no random part: they do not begin at the same moment."""

_log = logging.getLogger(__name__)


def retrying[Result](read: Callable[[], Result], path: Path) -> Result:
    """What `read` returns, called again after a wait if it fails in a way that may pass (`PASSING`); each such failure is a warning.

    Args:
        read: what tensorstore raises for a failed system call is an OSError for it, too.
        path: what is read, for the warning.

    Raises:
        OSError: of the last try.
    """
    for wait in WAITS:
        try:
            with system_errors(path):
                return read()
        except OSError as error:
            if error.errno not in PASSING:
                raise
            _log.warning("reading %s failed (%s); trying again in %g s", path, error.strerror, wait)
            time.sleep(wait)
    with system_errors(path):
        return read()


@contextlib.contextmanager
def system_errors(path: Path) -> Iterator[None]:
    """Turns tensorstore's report of a failed system call, which is a ValueError, into the OSError of that call."""
    try:
        yield
    except ValueError as error:
        code = re.search(r"os_error_code='(\d+)'", str(error))
        if code is None:
            raise
        raise OSError(int(code[1]), os.strerror(int(code[1])), str(path)) from error
