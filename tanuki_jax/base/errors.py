"""Errors that end a command with a message instead of a traceback, and the exit codes of all commands.

0 means done; for `train` also stopped early, or stopped and saved after SIGTERM or SIGINT. After a code that is not
listed here, such as 134, or 1 when another process of the job died, starting the same command again may help. Codes
after which it does not are also listed in the scripts of `launch/`.
"""

import errno
import os
from collections.abc import Iterator

BAD_INPUT = 2
"""The input was refused: starting again does not help."""
UNSTABLE = 3
"""A run had more loss spikes than it may rewind from: starting again does not help."""
STUCK = 4
"""A run made no progress: starting again helps."""
CORRUPT = 5
"""The hardware computed different results from the same numbers: starting again helps, on other hardware."""
INTERRUPTED = 130
"""Ctrl-C."""

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
_BAD_PATH = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.ELOOP,
}


class CommandError(Exception):
    """An error that the user can act on: its message is one line that names the fault and the remedy.

    A command prints it on stderr without a traceback and exits with `code` (`tanuki_jax.base.command`).
    """

    code: int


class InputError(CommandError, ValueError):
    """Input from the user that cannot be used."""

    code = BAD_INPUT


class Unstable(CommandError):
    """A run whose loss rose again after its last permitted rewind."""

    code = UNSTABLE


class Corrupt(CommandError):
    """Two results that must be equal and differ."""

    code = CORRUPT


def as_command_error(error: BaseException) -> CommandError | None:
    """Return the error for the user, or None for a fault of the program, which keeps its traceback.

    A CommandError is returned unchanged. A full disk, and a path that may not be read or written or cannot exist,
    become an InputError, also where another error was raised from them.
    """
    if isinstance(error, CommandError):
        return error
    for link in _chain(error):
        path = f": {link.filename}" if isinstance(link, OSError) and link.filename is not None else ""
        if _has_code(link, _DISK_FULL):
            return InputError(f"the disk is full{path}; free space and start again: finished files are kept")
        if isinstance(link, OSError) and _has_code(link, _BAD_PATH):
            return InputError(f"{(link.strerror or str(link)).lower()}{path}")
    return None


def _has_code(error: BaseException, codes: set[int]) -> bool:
    """Whether an error reports one of the system's error codes.

    Libraries in other languages raise types of their own: those are recognized by the system's text for the code.
    """
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in codes
    return any(os.strerror(code) in str(error) for code in codes)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error, the error that it was raised from, and so on."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__
