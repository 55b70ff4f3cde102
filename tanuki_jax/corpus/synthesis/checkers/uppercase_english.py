"""Command to answer in capital letters."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Self

from tanuki_jax.corpus.synthesis.checkers.checker import WORDINGS_DRAWN, Checker
from tanuki_jax.corpus.synthesis.recipe import Language


@dataclass(frozen=True, kw_only=True)
class UppercaseEnglish(Checker):
    """An answer whose letters are all capital letters from A to Z; digits and punctuation may be between."""

    ANSWERS_IN: ClassVar[tuple[Language, ...]] = ("en",)
    WORDINGS: ClassVar[Mapping[Language, tuple[str, ...]]] = {
        "ja": (
            "英語の大文字だけで答えてください。",
            "すべて大文字の英語で書いてください。小文字は使わないでください。",
        ),
        "en": (
            "Write your whole answer in English capital letters.",
            "Answer in English, in uppercase only.",
            "USE CAPITAL LETTERS ONLY, and answer in English.",
        ),
    }

    @classmethod
    def draw(cls, random: Random, language: Language) -> Self:
        return cls(wording=random.randrange(WORDINGS_DRAWN))

    def holds(self, answer: str) -> bool:
        letters = [character for character in answer if character.isalpha()]
        return bool(letters) and "```" not in answer and all("A" <= letter <= "Z" for letter in letters)
