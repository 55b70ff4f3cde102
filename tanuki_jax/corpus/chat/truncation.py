"""Conversations cut to a length, by complete exchanges."""

from collections.abc import Callable, Sequence
from typing import Literal

from tanuki_jax.corpus.records.types import Message


def truncated(
    messages: Sequence[Message], fits: Callable[[tuple[Message, ...]], bool], *, keep: Literal["beginning", "end"]
) -> tuple[Message, ...] | None:
    """Return the conversation with as many exchanges as fit; None if none fits.

    An exchange is a turn of the user and all turns up to the user's next one.

    Args:
        messages: turns in order. A system message is always kept.
        fits: whether a shortened conversation is short enough.
        keep: which exchanges stay: the first ones, to train on them, or the last ones, to answer the last.
    """
    system = [message for message in messages[:1] if message.role == "system"]
    turns = messages[len(system) :]
    starts = [position for position, message in enumerate(turns) if message.role == "user"]
    candidates = (
        [turns[:stop] for stop in reversed([*starts[1:], len(turns)])]
        if keep == "beginning"
        else [turns[start:] for start in starts]
    )
    return next((shorter for rest in candidates if fits(shorter := (*system, *rest))), None)
