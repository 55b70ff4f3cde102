"""Command to answer in digits alone."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Self

from tanuki_jax.corpus.synthesis.checkers.checker import WORDINGS_DRAWN, Checker
from tanuki_jax.corpus.synthesis.recipe import Language

_DIGITS = re.compile(r"[0-9]+")


@dataclass(frozen=True, kw_only=True)
class OnlyDigits(Checker):
    """An answer of half-width digits alone, without units, signs and commas."""

    WORDINGS: ClassVar[Mapping[Language, tuple[str, ...]]] = {
        "ja": (
            "半角の数字だけで答えてください。単位や記号はつけないでください。",
            "答えの数だけを半角数字で書いてください。ほかの文字は不要です。",
            "回答は0から9の半角数字のみとします。",
        ),
        "en": (
            "Answer with digits only (0-9), without units, signs or commas.",
            "Give only the number, in the digits 0 to 9, and nothing else.",
        ),
    }

    @classmethod
    def draw(cls, random: Random, language: Language) -> Self:
        return cls(wording=random.randrange(WORDINGS_DRAWN))

    def holds(self, answer: str) -> bool:
        return _DIGITS.fullmatch(answer) is not None
