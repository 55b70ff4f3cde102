"""Text of growing rows, piece by piece: never half a character, and nothing of what a stop string will take away."""

import re
from collections.abc import Callable, Sequence

_UNFINISHED_CHARACTERS = re.compile("\ufffd+\\Z")
"""Several, because some decoders replace all bytes in a row where the last character of them is not whole."""


class Pieces:
    """The text that one row adds to its prompt. All pieces together are what `whole` says at the end."""

    def __init__(self, decode: Callable[[Sequence[int]], str], prompt: Sequence[int], stop: Sequence[str]) -> None:
        """Takes what makes text of ids, the prompt's ids, and strings before which the text ends."""
        self._decode, self._prompt, self._stop = decode, list(prompt), [text for text in stop if text]
        self._before = len(decode(self._prompt))
        self._said = ""
        self.stopped = False
        """Whether a stop string was met."""

    def add(self, ids: Sequence[int], *, last: bool = False) -> str:
        """What is new in the text of these ids, the prompt's included, and certain to stay.

        Args:
            ids: all of the row so far.
            last: nothing comes after it, so that all of it is certain but a character of which bytes are missing.
        """
        if self.stopped:
            return ""
        text = _UNFINISHED_CHARACTERS.sub("", self._decode(ids))[self._before :]
        certain = len(text) if last else len(text) - self._held_back(text)
        found = min((place for stop in self._stop if (place := text.find(stop)) >= 0), default=len(text) + 1)
        self.stopped = found <= certain
        text = text[: min(found, certain)]
        new = text[len(self._said) :]
        self._said += new
        return new

    @property
    def whole(self) -> str:
        """All that was added so far."""
        return self._said

    def _held_back(self, text: str) -> int:
        """Characters at the end that may be the beginning of a stop string."""
        longest = max(map(len, self._stop), default=1) - 1
        return next(
            (
                size
                for size in range(min(longest, len(text)), 0, -1)
                if any(stop.startswith(text[-size:]) for stop in self._stop)
            ),
            0,
        )
