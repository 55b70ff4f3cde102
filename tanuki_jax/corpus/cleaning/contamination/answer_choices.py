"""Choices of an evaluation question that follow it in a text: too short to be found alone, and of no use without it."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

_BORDER = re.compile(r"[。．！？!?][」』）)]*|\n")
_LABEL = re.compile(r"[\W_]|\d|選択肢|解答|回答|答え?|正解|answers?|choices?|options?|[a-h]|[ア-ク]")
"""Signs, numbers, letters and words that stand before choices."""


def plain_choices(texts: Iterable[str]) -> list[str]:
    """Return the choices as `behind_choices` compares them: without white space and differences of width and case, the
    longest first."""
    return sorted({_plain(text) for text in texts} - {""}, key=lambda text: (-len(text), text))


def behind_choices(text: str, place: int, choices: Sequence[str]) -> int:
    """Return the place behind the lines and sentences that consist of choices and their labels alone.

    Args:
        text: text of a document.
        place: place behind the question.
        choices: `plain_choices` of the row of the question.
    """
    behind = place
    while choices and place < len(text):
        border = _BORDER.search(text, place)
        ends = [text.find("\n", place) + 1 or len(text), border.end() if border else len(text)]
        end = next((end for end in ends if not _rest(text[place:end], choices)), 0)
        if not end:
            break
        piece, place = _plain(text[place:end]), end
        if any(choice in piece for choice in choices):
            behind = end
    return behind


def _rest(piece: str, choices: Sequence[str]) -> str:
    """Return what is left of a piece of text without choices and labels."""
    left = _plain(piece)
    for choice in choices:
        left = left.replace(choice, "\n")
    return _LABEL.sub("", left)


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).lower().split())
