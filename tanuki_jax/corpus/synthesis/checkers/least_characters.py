"""Command to answer in at least a number of characters."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Self

from tanuki_jax.config.limits import PositiveInt
from tanuki_jax.corpus.synthesis.checkers.checker import WORDINGS_DRAWN, Checker
from tanuki_jax.corpus.synthesis.recipe import Language


@dataclass(frozen=True, kw_only=True)
class LeastCharacters(Checker):
    """An answer of at least a number of characters: code points of the stripped answer, line breaks included."""

    characters: PositiveInt
    """Least number of characters."""

    WORDINGS: ClassVar[Mapping[Language, tuple[str, ...]]] = {
        "ja": (
            "{characters}文字以上で答えてください。",
            "少なくとも{characters}字は書いてください。",
            "回答が{characters}文字を下回らないようにしてください。",
        ),
        "en": (
            "Answer in at least {characters} characters.",
            "Write no fewer than {characters} characters.",
            "The answer must have {characters} characters or more.",
        ),
    }

    @classmethod
    def draw(cls, random: Random, language: Language) -> Self:
        characters = random.randint(2, 12) * (50 if language == "ja" else 100)
        return cls(characters=characters, wording=random.randrange(WORDINGS_DRAWN))

    def values(self, language: Language) -> Mapping[str, object]:
        return {"characters": self.characters}

    def holds(self, answer: str) -> bool:
        return len(answer) >= self.characters
