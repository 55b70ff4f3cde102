"""Growing rows of tokens as text: never half a character, and no text that a stop string will remove."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

_UNFINISHED_CHARACTERS = re.compile("\ufffd+\\Z")
"""Replacement characters at the end of a text. Several, because some decoders replace all bytes in a row if the last
character of them is incomplete."""

type FinishReason = Literal["eos_token", "stop_sequence", "length"]
"""Why a text ended: the model ended it, a stop string was met, or it has as many tokens as it may have."""


class TextDelta(NamedTuple):
    """Text that was added to a row."""

    text: str
    tokens: int
    finish_reason: FinishReason | None
    """Set in a row's last delta; None before and after."""


class Completion(NamedTuple):
    """Text generated after a prompt."""

    text: str
    tokens: int
    finish_reason: FinishReason


class RowText:
    """Text that one row adds to its prompt, as deltas that are never taken back.

    Attributes:
        finished: whether the text has ended; further ids add nothing.
    """

    def __init__(
        self, decode: Callable[[Sequence[int]], str], prompt: Sequence[int], stop: Sequence[str], max_length: int
    ) -> None:
        """
        Args:
            decode: ids to text.
            prompt: ids of the prompt.
            stop: strings before which the text ends.
            max_length: most tokens of the row, its prompt included.
        """
        self._decode, self._stop, self._max_length = decode, [text for text in stop if text], max_length
        self._length = len(prompt)
        self._prompt_chars, self._emitted_chars = len(decode(list(prompt))), 0
        self.finished = False

    def add(self, ids: Sequence[int], *, ended: bool) -> TextDelta:
        """Return the text that is new and certain to stay.

        Args:
            ids: all ids of the row so far, its prompt included.
            ended: whether the model has ended the text, so that all of it is certain except an incomplete character.
        """
        if self.finished:
            return TextDelta("", 0, None)
        full = len(ids) >= self._max_length
        text = _UNFINISHED_CHARACTERS.sub("", self._decode(ids))[self._prompt_chars :]
        certain = len(text) if full or ended else len(text) - self._held_back(text)
        stop_at = min((at for stop in self._stop if (at := text.find(stop)) >= 0), default=len(text) + 1)
        new = text[self._emitted_chars : min(stop_at, certain)]
        reason = _finish_reason(stopped=stop_at <= certain, full=full, ended=ended)
        tokens, self._length = len(ids) - self._length, len(ids)
        self._emitted_chars += len(new)
        self.finished = reason is not None
        return TextDelta(new, tokens, reason)

    def _held_back(self, text: str) -> int:
        """Return the number of characters at the end that may begin a stop string."""
        longest = min(max(map(len, self._stop), default=1) - 1, len(text))
        sizes = range(longest, 0, -1)
        return next((size for size in sizes if any(stop.startswith(text[-size:]) for stop in self._stop)), 0)


def _finish_reason(*, stopped: bool, full: bool, ended: bool) -> FinishReason | None:
    if stopped:
        return "stop_sequence"
    if full:
        return "length"
    return "eos_token" if ended else None


def join_deltas(deltas: Iterable[Sequence[TextDelta]]) -> list[Completion]:
    """Return the completion of each row, given the deltas of all rows, step by step until every row has finished."""
    completions = []
    for row in zip(*deltas, strict=True):
        [reason] = (delta.finish_reason for delta in row if delta.finish_reason is not None)
        completions.append(Completion("".join(delta.text for delta in row), sum(delta.tokens for delta in row), reason))
    return completions
