"""Texts of two kinds, which differ in their words as corpora do."""

import random
from collections.abc import Sequence

_WORDS = (
    ["あめ", "かぜ", "くも", "ゆき", "そら", "つち", "みず", "ひかり"],
    ["はい", "いいえ", "ですね", "そうか", "ええと", "うん", "まあ", "ねえ"],
)


def texts_of(kind: int, count: int, seed: int = 0) -> list[str]:
    """Return texts of the first or the second kind."""
    draw = random.Random(f"{seed}-{kind}")
    common = ["の", "は", "が", "に", "を"]
    words: Sequence[str] = [*_WORDS[kind] * 2, *_WORDS[1 - kind], *common * 3]
    return ["".join(draw.choices(words, k=60)) for _ in range(count)]
