"""Widths of text: a kanji says about as much as two letters."""

import re

_WIDE = re.compile(r"[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]+")


def width(text: str) -> int:
    """Return the columns that a text takes: two for each wide character, one for others."""
    return len(text) if text.isascii() else len(text) + sum(map(len, _WIDE.findall(text)))


def is_wide(character: str) -> bool:
    """Whether a character takes two columns: kanji, kana, Hangul and full-width signs."""
    return _WIDE.match(character) is not None
