"""Marks of text that was decoded as it was meant, and of text that was not."""

import re

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_LEVEL_1 = frozenset(
    bytes((row, cell)).decode("euc_jp", "ignore") for row in range(0xB0, 0xD0) for cell in range(0xA1, 0xFF)
)
"""The 2,965 kanji of JIS X 0208's level 1, which cover nearly all of modern text."""
_KANA = re.compile(r"[ぁ-んァ-ヴー、。「」]")
_LATIN = re.compile(r"[a-zA-ZÀ-ÖØ-öø-ÿ]*[À-ÖØ-öø-ÿ][a-zA-ZÀ-ÖØ-öø-ÿ]*")
_OTHER_SCRIPTS = re.compile(r"[\u0370-\u03ff\u0400-\u04ff\u0590-\u06ff\u0900-\u0dff\u0e00-\u0e7f\uac00-\ud7a3]")
_CHARACTERISTIC = re.compile(r"[的一是了在不有我中人这为们来這為們來\uac00-\ud7a3]")
"""The most frequent characters of Chinese, and all of Korean."""
_WRONG = re.compile(r"[\ufffd\ue000-\uf8ff\x80-\x9f]")
_HALF_WIDTH = re.compile(r"[\uff61-\uff9f]")
_JUDGED = 20_000


def plausibility(text: str) -> float:
    """Return how well a text reads, at most 1, by its characters beyond ASCII: kana and Japanese punctuation, common
    kanji, words of Latin letters with at most half of them accented and other scripts count for it; replaced, private
    and control characters and half-width katakana against it. A text of ASCII alone has 0."""
    characters = "".join(_NOT_ASCII.findall(text))[:_JUDGED]
    if not characters:
        return 0.0
    kana = len(_KANA.findall(characters))
    common = sum(map(_LEVEL_1.__contains__, characters))
    accented = _accented(text) if kana + common < len(characters) else 0
    scripts = len(_OTHER_SCRIPTS.findall(characters))
    wrong = len(_WRONG.findall(characters))
    half = len(_HALF_WIDTH.findall(characters))
    good = kana + 0.6 * common + 0.6 * min(accented, len(characters)) + 0.6 * scripts
    return (good - 3 * wrong - 0.5 * half) / len(characters)


def kana_share(text: str) -> float:
    """Return the share of kana and Japanese punctuation among the characters beyond ASCII; 1 if there are none."""
    characters = _NOT_ASCII.findall(text)
    return len(_KANA.findall(text)) / len(characters) if characters else 1.0


def characteristic_share(text: str) -> float:
    """Return the share of the most frequent characters of Chinese, and of Hangul, among those beyond ASCII."""
    return len(_CHARACTERISTIC.findall(text)) / max(1, len(_NOT_ASCII.findall(text)))


def _accented(text: str) -> int:
    """Return the number of accented letters in words that have more letters without an accent."""
    count = 0
    for word in _LATIN.findall(text[: 4 * _JUDGED]):
        accents = sum(letter > "\x7f" for letter in word)
        count += accents if 2 * accents <= len(word) else 0
    return count
