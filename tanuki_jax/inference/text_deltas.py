"""Growing rows of tokens as text: never half a character, and no text that a stop string will remove."""

import re
from collections.abc import Callable, Collection, Sequence
from typing import Literal, NamedTuple

from tanuki_jax.data.tokenizer.special_pieces import ESCAPES

_UNFINISHED_CHARACTERS = re.compile("\ufffd+\\Z")
"""Replacement characters at the end of a text. Several, because some decoders replace all bytes in a row if the last
character of them is incomplete."""

_ESCAPE = ESCAPES[0][0]
"""Character that decodes, with the next one, to another character, where a tokenizer of `prepare` wrote it."""
REDECODED = 64
"""Tokens after which text that was decoded before is not decoded again."""

type FinishReason = Literal["eos_token", "stop_sequence", "length"]
"""Why a text ended: the model ended it, a stop string was met, or it has as many tokens as it may have."""


class TextDelta(NamedTuple):
    """Text that was added to a row."""

    text: str
    tokens: int
    finish_reason: FinishReason | None
    """Set in a row's last delta; None before and after."""


class _State(NamedTuple):
    """Text of a row so far, how much of it is certain to stay, and why the row ends, if it does."""

    text: str
    stop_at: int
    reason: FinishReason | None


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
        self,
        decode: Callable[[Sequence[int]], str],
        prompt: Sequence[int],
        stop: Sequence[str],
        max_length: int,
        undecided: Collection[int] = (),
    ) -> None:
        """
        Args:
            decode: ids to text.
            prompt: ids of the prompt.
            stop: strings before which the text ends.
            max_length: most tokens of the row, its prompt included.
            undecided: ids whose text may change with the ids behind them, until one comes that is not among these.
        """
        self._undecided = undecided
        self._decode, self._stop, self._max_length = decode, [text for text in stop if text], max_length
        self._stop_beginnings = frozenset(text[:size] for text in self._stop for size in range(1, len(text)))
        self._longest_beginning = max(map(len, self._stop_beginnings), default=0)
        self._length, self._emitted_chars = len(prompt), 0
        self._text, self._decoded = "", len(prompt)
        self._context = _character_start(decode, prompt, max(len(prompt) - REDECODED, 0))
        self._context_chars = len(_whole_characters(decode, prompt[self._context :]))
        self._between_characters = not decode(list(prompt)).endswith("\ufffd")
        self.finished = False

    def add(self, ids: Sequence[int], *, ended: bool) -> TextDelta:
        """Return the text that is new and certain to stay. Its tokens do not count those behind a stop string.

        Args:
            ids: all ids of the row so far, its prompt included.
            ended: whether the model has ended the text, so that all of it is certain except an incomplete character.
        """
        if self.finished:
            return TextDelta("", 0, None)
        text, stop_at, reason = self._state(ids, ended)
        length = len(ids)
        if reason == "stop_sequence":
            lengths = range(self._length + 1, len(ids))
            length = next((size for size in lengths if self._state(ids[:size], ended=False).reason == reason), length)
        new = text[self._emitted_chars : stop_at]
        tokens, self._length = length - self._length, length
        self._emitted_chars += len(new)
        self.finished = reason is not None
        if len(ids) - self._decoded >= REDECODED and not self.finished:
            self._forget_context(ids)
        return TextDelta(new, tokens, reason)

    def _state(self, ids: Sequence[int], ended: bool) -> "_State":
        full = len(ids) >= self._max_length
        text = self._text_of(ids if full or ended else self._decided(ids))
        certain = len(text) if full or ended else len(text) - self._held_back(text)
        # No stop string begins before what was emitted: that was certain to stay.
        starts = (text.find(stop, self._emitted_chars) for stop in self._stop)
        stop_at = min((at for at in starts if at >= 0), default=len(text) + 1)
        return _State(text, min(stop_at, certain), _finish_reason(stopped=stop_at <= certain, full=full, ended=ended))

    def _decided(self, ids: Sequence[int]) -> Sequence[int]:
        """Return the ids of the row without those at its end whose text may change."""
        length = len(ids)
        while length > self._decoded and ids[length - 1] in self._undecided:
            length -= 1
        return ids if length == len(ids) else ids[:length]

    def _text_of(self, ids: Sequence[int]) -> str:
        recent = _UNFINISHED_CHARACTERS.sub("", self._decode(ids[self._context :]))
        return self._text + recent[self._context_chars :]

    def _forget_context(self, ids: Sequence[int]) -> None:
        """Decode fewer tokens from now on: those since the last call of this are context enough."""
        recent = self._decode(ids[self._decoded :])
        if recent.endswith("\ufffd") or ids[-1] in self._undecided:
            return
        if self._between_characters:  # else the first of these tokens may be a part of a character
            self._text = self._text_of(ids)
            self._context, self._context_chars = self._decoded, len(recent)
        self._decoded, self._between_characters = len(ids), True

    def _held_back(self, text: str) -> int:
        """Return the number of characters at the end that may begin a stop string, or an escaped character."""
        escape = 1 if text.endswith(_ESCAPE) else 0
        longest = min(self._longest_beginning, len(text) - self._emitted_chars)
        return next((size for size in range(longest, 0, -1) if text[-size:] in self._stop_beginnings), escape)


def _character_start(decode: Callable[[Sequence[int]], str], prompt: Sequence[int], start: int) -> int:
    """Return a place at or before `start`, by at most three tokens or at the beginning, where a character begins."""
    starts = range(start, max(start - 4, 0), -1)
    return next((each for each in starts if not decode(prompt[:each]).endswith("\ufffd")), 0)


def _whole_characters(decode: Callable[[Sequence[int]], str], prompt: Sequence[int]) -> str:
    """Return the text of a prompt without a character at its end of which some bytes, at most three, are missing."""
    shorter = (decode(prompt[: len(prompt) - bytes]) for bytes in range(min(4, len(prompt) + 1)))
    return next((text for text in shorter if not text.endswith("\ufffd")), decode(prompt))


def _finish_reason(*, stopped: bool, full: bool, ended: bool) -> FinishReason | None:
    if stopped:
        return "stop_sequence"
    if full:
        return "length"
    return "eos_token" if ended else None
