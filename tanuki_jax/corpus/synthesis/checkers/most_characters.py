"""Command to answer in at most a number of characters."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Self

from tanuki_jax.config.limits import PositiveInt
from tanuki_jax.corpus.synthesis.checkers.checker import WORDINGS_DRAWN, Checker
from tanuki_jax.corpus.synthesis.recipe import Language


@dataclass(frozen=True, kw_only=True)
class MostCharacters(Checker):
    """An answer of at most a number of characters: code points of the stripped answer, line breaks included."""

    characters: PositiveInt
    """Greatest number of characters."""

    WORDINGS: ClassVar[Mapping[Language, tuple[str, ...]]] = {
        "ja": (
            "{characters}文字以内で答えてください。",
            "回答は{characters}字以内に収めてください。",
            "句読点も含めて{characters}文字を超えないでください。",
        ),
        "en": (
            "Answer in at most {characters} characters.",
            "Keep the answer within {characters} characters, spaces included.",
            "Do not use more than {characters} characters.",
        ),
    }

    @classmethod
    def draw(cls, random: Random, language: Language) -> Self:
        characters = random.randint(2, 20) * (10 if language == "ja" else 50)
        return cls(characters=characters, wording=random.randrange(WORDINGS_DRAWN))

    def values(self, language: Language) -> Mapping[str, object]:
        return {"characters": self.characters}

    def holds(self, answer: str) -> bool:
        return len(answer) <= self.characters
