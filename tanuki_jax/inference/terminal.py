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
"""Line that starts a new conversation."""


def talk(assistant: Assistant, system: str) -> None:
    """Answer line by line until the input ends. Ctrl-C stops the current answer, and leaves if there is none.

    Answers are printed on stdout, notes on stderr.
    """
    first_messages = [Message("system", system)] if system else []
    messages = [*first_messages]
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    if sys.stdin.isatty():
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401  makes lines editable
        _note(f"one line a turn; {RESET} starts a new conversation, Ctrl-C stops an answer, Ctrl-D leaves")
    with _warnings_only():
        while (line := _line()) is not None:
            if line == RESET:
                messages = [*first_messages]
                _note("a new conversation")
            elif line:
                messages = _turn(assistant, [*messages, Message("user", line)])


@contextlib.contextmanager
def _warnings_only() -> Iterator[None]:
    """Hide the package's INFO log, which would be printed between the turns."""
    log = logging.getLogger("tanuki_jax")
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(level)


def _line() -> str | None:
    """Return the next line, stripped; None after the last."""
    try:
        return input("> " if sys.stdin.isatty() else "").strip()
    except (EOFError, KeyboardInterrupt) as error:
        if sys.stdin.isatty():
            print()
        if isinstance(error, KeyboardInterrupt):
            raise
        return None


def _turn(assistant: Assistant, messages: list[Message]) -> list[Message]:
    """Answer the last message, and return the conversation with the answer."""
    kept, answer, tokens, reason = messages, "", 0, None
    try:
        with contextlib.suppress(KeyboardInterrupt):
            kept = assistant.truncated(messages)
            if dropped := len(messages) - len(kept):
                _note(f"the first {dropped} messages are left out: the conversation is too long")
            with contextlib.closing(assistant.stream(kept)) as stream:
                for update in stream:
                    answer, tokens, reason = answer + update.text, tokens + len(update.tokens), update.finish_reason
                    print(update.text, end="", flush=True)
    except InputError as error:
        _note(str(error))
        return messages[:-1]
    print()
    if reason == "length":
        _note(f"cut off after {tokens} tokens")
    return [*kept, Message("assistant", answer)] if answer.strip() else kept[:-1]


def _note(text: str) -> None:
    print(f"({text})", file=sys.stderr, flush=True)
