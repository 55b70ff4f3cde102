"""A conversation in the terminal."""

import contextlib
import io
import logging
import sys
from collections.abc import Iterator

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Message
from tanuki_jax.inference.assistant import Assistant

RESET = "/reset"
"""The line that begins a conversation anew."""


def talk(assistant: Assistant, system: str) -> None:
    """Answers line by line until the input ends; Ctrl-C stops an answer, and where no answer is being written leaves.

    What is not of the conversation goes to stderr.
    """
    opening = [Message("system", system)] if system else []
    messages = [*opening]
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    if sys.stdin.isatty():
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401  lines can be edited from now on
        _note(f"a line a turn; {RESET} begins anew, Ctrl-C stops an answer, Ctrl-D leaves")
    with _warnings_only():
        while (line := _line()) is not None:
            if line == RESET:
                messages = [*opening]
                _note("a new conversation")
            elif line:
                messages = _turn(assistant, [*messages, Message("user", line)])


@contextlib.contextmanager
def _warnings_only() -> Iterator[None]:
    """What rooms log for information would stand between the turns."""
    log = logging.getLogger("tanuki_jax")
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(level)


def _line() -> str | None:
    """The next line without spaces around it; None after the last."""
    try:
        return input("> " if sys.stdin.isatty() else "").strip()
    except (EOFError, KeyboardInterrupt) as left:
        if sys.stdin.isatty():
            print()
        if isinstance(left, KeyboardInterrupt):
            raise
        return None


def _turn(assistant: Assistant, messages: list[Message]) -> list[Message]:
    """Answers the last message; the conversation as it goes on from there."""
    try:
        kept = assistant.fitting(messages)
    except InputError as error:
        _note(str(error))
        return messages[:-1]
    if forgotten := len(messages) - len(kept):
        _note(f"the first {forgotten} messages are forgotten: the conversation is too long")
    answer, tokens, reason = "", 0, None
    with contextlib.suppress(KeyboardInterrupt):
        for piece in assistant.stream(kept):
            answer, tokens, reason = answer + piece.text, tokens + piece.tokens, piece.finish_reason
            print(piece.text, end="", flush=True)
    print()
    if reason == "length":
        _note(f"cut off after {tokens} tokens")
    return [*kept, Message("assistant", answer)] if answer.strip() else kept[:-1]


def _note(text: str) -> None:
    print(f"({text})", file=sys.stderr, flush=True)
