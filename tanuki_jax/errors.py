"""What ends a command with a sentence instead of a traceback, and the exit codes of all commands.

0 is done, and for `train` also stopped and saved after SIGTERM or SIGINT. After any code that is not named here, such as 134 or 1 when
another process of the job died, starting the same command again helps.
"""

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


class Sentence(Exception):
    """The message is one sentence that names the thing and what would be right.

    Doors print it on stderr without a traceback and exit with `code` (`tanuki_jax.door`).
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
