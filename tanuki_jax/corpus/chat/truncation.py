"""Conversations cut to a length, by whole turns."""

from collections.abc import Callable, Sequence
from typing import Literal

from tanuki_jax.corpus.records.types import Message


def truncated(
    messages: Sequence[Message], fits: Callable[[tuple[Message, ...]], bool], *, keep: Literal["beginning", "end"]
) -> tuple[Message, ...] | None:
    """The conversation with as many exchanges as fit: a user's turn and all that follows up to the user's next one. None if none fits.

    Args:
        messages: turns in order. A system message stays, whatever else goes.
        fits: whether a shortened conversation is short enough.
        keep: which exchanges stay: those at the beginning, to train on, or those at the end, to answer the last.
    """
    system = [message for message in messages[:1] if message.role == "system"]
    turns = messages[len(system) :]
    starts = [place for place, message in enumerate(turns) if message.role == "user"]
    kept = (
        [turns[:stop] for stop in reversed([*starts[1:], len(turns)])]
        if keep == "beginning"
        else [turns[start:] for start in starts]
    )
    return next((shorter for rest in kept if fits(shorter := (*system, *rest))), None)
