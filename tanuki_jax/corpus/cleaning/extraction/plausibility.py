"""Marks of text that was decoded as it was meant, and of text that was not."""

import enum
import functools
import itertools
import re

import numpy as np
import numpy.typing as npt

from tanuki_jax.corpus.cleaning.character_classes import codepoints, numbered

_CHARACTERISTIC = re.compile(r"[的一是了在不有我中人这为们来這為們來\uac00-\ud7a3]")
"""The most frequent characters of Chinese, and all of Korean."""
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_ACCENTED_WORD = re.compile(r"(?<![a-zA-ZÀ-ÖØ-öø-ÿ])[a-zA-Z]*+[À-ÖØ-öø-ÿ][a-zA-ZÀ-ÖØ-öø-ÿ]*+")
_JUDGED = 20_000
_BEYOND = 1 << 16


class _Kind(enum.IntEnum):
    """A kind of characters beyond ASCII."""

    OTHER = 0
    KANA = 1
    """Kana and Japanese punctuation."""
    COMMON = 2
    """The 2,965 kanji of JIS X 0208's level 1, which cover nearly all of modern text."""
    ACCENTED = 3
    OTHER_SCRIPT = 4
    WRONG = 5
    """Replaced, private and control characters."""
    HALF_WIDTH = 6
    """Half-width katakana."""


_RANGES = {
    _Kind.KANA: ("ぁん", "ァヴ", "ーー", "、。", "「」"),
    _Kind.ACCENTED: ("ÀÖ", "Øö", "øÿ"),
    _Kind.OTHER_SCRIPT: (
        "\u0370\u03ff", "\u0400\u04ff", "\u0590\u06ff", "\u0900\u0dff", "\u0e00\u0e7f", "\uac00\ud7a3",
    ),
    _Kind.WRONG: ("\ufffd\ufffd", "\ue000\uf8ff", "\x80\x9f"),
    _Kind.HALF_WIDTH: ("\uff61\uff9f",),
}  # fmt: skip


def plausibility(text: str) -> float:
    """Return how well a text reads, at most 1, by its characters beyond ASCII: kana and Japanese punctuation, common
    kanji, words of Latin letters with at most half of them accented and other scripts count for it; replaced, private
    and control characters and half-width katakana against it. A text of ASCII alone has 0."""
    kinds = _kinds(text)[:_JUDGED]
    if not len(kinds):
        return 0.0
    counts = np.bincount(kinds, minlength=len(_Kind)).tolist()
    good = counts[_Kind.KANA] + 0.6 * (counts[_Kind.COMMON] + counts[_Kind.OTHER_SCRIPT])
    if counts[_Kind.ACCENTED]:
        good += 0.6 * min(_accented(text), len(kinds))
    return float(good - 3 * counts[_Kind.WRONG] - 0.5 * counts[_Kind.HALF_WIDTH]) / len(kinds)


def kana_share(text: str) -> float:
    """Return the share of kana and Japanese punctuation among the characters beyond ASCII; 1 if there are none."""
    kinds = _kinds(text)
    return int((kinds == _Kind.KANA).sum()) / len(kinds) if len(kinds) else 1.0


def characteristic_share(text: str) -> float:
    """Return the share of the most frequent characters of Chinese, and of Hangul, among those beyond ASCII."""
    return len(_CHARACTERISTIC.findall(text)) / max(1, len(_NOT_ASCII.findall(text)))


def _kinds(text: str) -> npt.NDArray[np.uint8]:
    """Return the kinds of the characters beyond ASCII."""
    points = codepoints(text)
    points = points[points > 0x7F]
    return _table()[np.minimum(points, _BEYOND, out=points)]


@functools.cache
def _table() -> npt.NDArray[np.uint8]:
    """Return the kind of each code point below U+10000, and of those beyond."""
    table = numbered(_RANGES, _BEYOND + 1)
    for row, cell in itertools.product(range(0xB0, 0xD0), range(0xA1, 0xFF)):
        if kanji := bytes((row, cell)).decode("euc_jp", "ignore"):
            table[ord(kanji)] = _Kind.COMMON
    return table


def _accented(text: str) -> int:
    """Return the number of accented letters in words that have more letters without an accent."""
    count = 0
    for word in _ACCENTED_WORD.findall(text[: 4 * _JUDGED]):
        accents = sum(letter > "\x7f" for letter in word)
        count += accents if 2 * accents <= len(word) else 0
    return count
