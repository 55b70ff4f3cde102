"""Texts of many documents after NFKC, as one array of code points: what spellings are looked for in."""

import functools
import itertools
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tanuki_jax.corpus.cleaning.character_classes import codepoints

_CODE_POINTS = 0x110000
_REPLACEMENT = 0xFFFD
_CHANGING = (range(0x20000), range(0x2F800, 0x2FA20), range(0xE0100, 0xE01F0))
"""Code points that NFKC may change or join to others: beyond the first two planes, kanji for compatibility, and
selectors of variants."""
_JAMO = (range(0x1100, 0x1200), range(0xA960, 0xA980), range(0xD7B0, 0xD800))
_EXPANDED = {"…": "...", "‥": "..", "℃": "°C", "№": "No", "㎡": "m2", "㎝": "cm", "㎏": "kg", "㎞": "km", "㎜": "mm"}
"""Frequent characters that NFKC replaces by several, so that few documents need the slow way."""


class NormalizedBatch(NamedTuple):
    """Documents, one after the other."""

    codes: npt.NDArray[np.uint32]
    """uint32[N], code points; a 0 behind each document."""
    starts: npt.NDArray[np.int64]
    """int64[D + 1], place of the first code point of each document, and N."""


def normalized(texts: Sequence[str]) -> NormalizedBatch:
    """Return texts after NFKC, which is what `unicodedata.normalize` gives, several times as fast.

    A lone surrogate becomes U+FFFD, which UTF-8 can encode.
    """
    mapped, slow = _tables()
    expanded = [text if unicodedata.is_normalized("NFKC", text) else _expanded(text) for text in texts]
    codes, starts = _joined(expanded)
    if len(places := np.flatnonzero(slow[codes])):
        for number in np.unique(np.searchsorted(starts, places, side="right") - 1).tolist():
            expanded[number] = unicodedata.normalize("NFKC", expanded[number])
        codes, starts = _joined(expanded)
    codes = mapped[codes]
    codes[(codes >= 0xD800) & (codes < 0xE000)] = _REPLACEMENT
    return NormalizedBatch(codes, starts)


def _expanded(text: str) -> str:
    for character, several in _EXPANDED.items():
        if character in text:
            text = text.replace(character, several)
    return text


def _joined(texts: Sequence[str]) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """Return the code points of texts, a 0 behind each, and where each begins."""
    lengths = np.array([0, *(len(text) + 1 for text in texts)], np.int64)
    return codepoints("\0".join([*texts, ""])), np.cumsum(lengths)


@functools.cache
def _tables() -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.bool_]]:
    """Return the code point that NFKC makes of each, and which ones may become several, or join their neighbours."""
    mapped, slow = np.arange(_CODE_POINTS, dtype=np.uint32), np.zeros(_CODE_POINTS, np.bool_)
    for code in itertools.chain(*_CHANGING):
        character = chr(code)
        normal = unicodedata.normalize("NFKC", character)
        if normal != character and len(normal) == 1:
            mapped[code] = ord(normal)
        slow[code] = len(normal) != 1 or unicodedata.category(normal[0])[0] == "M"
    for jamo in _JAMO:
        slow[jamo.start : jamo.stop] = True
    return mapped, slow | slow[mapped]
