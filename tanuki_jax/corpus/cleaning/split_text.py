"""Cut a long text into pieces of nearly equal length, between paragraphs where it has them."""

import re

_BOUNDARIES = (re.compile(r"\n\n+"), re.compile(r"\n"), re.compile(r"(?<=[。．！？!?.])"), re.compile(r"(?<=[、,\s])"))
"""Places where a text may be cut, the best ones first."""


def split_text(text: str, most: int) -> list[str]:
    """Return the pieces of a text, each of at most `most` characters; joined, they are the text without white space at
    the cuts.

    The pieces are as few as possible or one more, and none is much shorter than the others.
    """
    if len(text) <= most:
        return [text]
    pieces = -(-len(text) // most)
    target = -(-len(text) // pieces)
    result: list[str] = []
    start = 0
    while len(text) - start > most:
        stop = _cut(text, start + target, start + 1 + target // 2, start + most)
        result.append(text[start:stop].strip())
        start = stop
    result.append(text[start:].strip())
    return [piece for piece in result if piece]


def _cut(text: str, wanted: int, least: int, most: int) -> int:
    """Return the place between `least` and `most` where the text is best cut, the nearest one to `wanted`."""
    for boundary in _BOUNDARIES:
        places = [match.end() for match in boundary.finditer(text, least, most)]
        if places:
            return min(places, key=lambda place: abs(place - wanted))
    return wanted
