"""The part that commands to begin and to end with given words have in common."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Self

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.synthesis.checkers.checker import WORDINGS_DRAWN, Checker
from tanuki_jax.corpus.synthesis.recipe import Language


@dataclass(frozen=True, kw_only=True)
class EdgePhrase(Checker):
    """An answer with given words at an edge."""

    phrase: str
    """Words, as they are; white space around them does not count."""

    PHRASES: ClassVar[Mapping[Language, tuple[str, ...]]]
    """Language -> phrases that are drawn."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.phrase.strip():
            raise InputError("phrase is empty, and must have a character")

    @classmethod
    def draw(cls, random: Random, language: Language) -> Self:
        return cls(phrase=random.choice(cls.PHRASES[language]), wording=random.randrange(WORDINGS_DRAWN))

    def values(self, language: Language) -> Mapping[str, object]:
        return {"phrase": self.phrase.strip()}
