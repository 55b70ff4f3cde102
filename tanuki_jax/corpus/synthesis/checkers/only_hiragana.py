"""Command to answer in hiragana alone."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Self

from tanuki_jax.corpus.synthesis.checkers.checker import WORDINGS_DRAWN, Checker
from tanuki_jax.corpus.synthesis.recipe import Language

_HIRAGANA = re.compile(r"[ぁ-ゖゝゞー、。！？「」『』・…〜\s]+")
_LETTER = re.compile("[ぁ-ゖ]")


@dataclass(frozen=True, kw_only=True)
class OnlyHiragana(Checker):
    """An answer in hiragana alone; Japanese punctuation, ー and white space may be between."""

    ANSWERS_IN: ClassVar[tuple[Language, ...]] = ("ja",)
    WORDINGS: ClassVar[Mapping[Language, tuple[str, ...]]] = {
        "ja": (
            "ひらがなだけで答えてください。句読点は使ってもかまいません。",
            "漢字もカタカナも数字も使わず、すべてひらがなで書いてください（句読点は除きます）。",
            "ひらがなと句読点だけを使って答えてください。",
        ),
        "en": (
            "Answer in Japanese, in hiragana alone; Japanese punctuation is allowed.",
            "Write in hiragana only, without kanji, katakana or digits. Punctuation may be used.",
        ),
    }

    @classmethod
    def draw(cls, random: Random, language: Language) -> Self:
        return cls(wording=random.randrange(WORDINGS_DRAWN))

    def holds(self, answer: str) -> bool:
        return _HIRAGANA.fullmatch(answer) is not None and _LETTER.search(answer) is not None
