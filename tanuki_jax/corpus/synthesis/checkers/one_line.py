"""Command to answer in one line."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Self

from tanuki_jax.corpus.synthesis.checkers.checker import WORDINGS_DRAWN, Checker
from tanuki_jax.corpus.synthesis.recipe import Language


@dataclass(frozen=True, kw_only=True)
class OneLine(Checker):
    """A single line, without any character that breaks lines inside it."""

    WORDINGS: ClassVar[Mapping[Language, tuple[str, ...]]] = {
        "ja": (
            "改行せずに一行で答えてください。",
            "回答は一行だけにしてください。",
            "途中で改行を入れないでください。",
        ),
        "en": (
            "Answer in one line, without line breaks.",
            "Reply with a single line.",
            "Do not use line breaks.",
        ),
    }

    @classmethod
    def draw(cls, random: Random, language: Language) -> Self:
        return cls(wording=random.randrange(WORDINGS_DRAWN))

    def holds(self, answer: str) -> bool:
        return len(answer.splitlines()) == 1
