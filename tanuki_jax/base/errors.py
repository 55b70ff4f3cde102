"""What ends a command with a sentence instead of a traceback, and the exit codes of all commands.

0 is done, and for `train` also stopped and saved after SIGTERM or SIGINT. After any code that is not named here, such as 134 or 1 when
another process of the job died, starting the same command again helps.
"""

import errno
import os
from collections.abc import Iterator

BAD_INPUT = 2
"""Refused: starting again would not help."""
UNSTABLE = 3
"""A run had more spikes than it may go back from: starting again would not help."""
STUCK = 4
"""A run made no progress: starting again helps."""
CORRUPT = 5
"""The hardware computed different results from the same numbers: starting again helps, on other hardware."""
INTERRUPTED = 130
"""Ctrl-C."""

_DISK_IS_FULL = {errno.ENOSPC, errno.EDQUOT}
_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}


class Sentence(Exception):
    """The message is one sentence that names the thing and what would be right.

    Doors print it on stderr without a traceback and exit with `code` (`tanuki_jax.base.command`).
    """

    code: int


class InputError(Sentence, ValueError):
    """What the user gave cannot be used."""

    code = BAD_INPUT


class Unstable(Sentence):
    """A run went back as often as it may, and its loss rose again."""

    code = UNSTABLE


class Corrupt(Sentence):
    """Two results that must be equal are not."""

    code = CORRUPT


def as_sentence(error: BaseException) -> Sentence | None:
    """What a door says of an error that is not our fault: a sentence, a full disk, a file that may not be read or written. Else None."""
    if isinstance(error, Sentence):
        return error
    for link in _chain(error):
        where = f": {link.filename}" if isinstance(link, OSError) and link.filename is not None else ""
        if _is_any_of(link, _DISK_IS_FULL):
            return InputError(
                f"the disk is full{where}; what was being written does not count, what was finished before stays"
            )
        if isinstance(link, OSError) and _is_any_of(link, _NOT_ALLOWED):
            return InputError(f"{(link.strerror or str(link)).lower()}{where}")
    return None


def _is_any_of(error: BaseException, codes: set[int]) -> bool:
    """By number, or, as libraries in other languages raise their own types, by the system's words."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in codes
    return any(os.strerror(code) in str(error) for code in codes)


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__
