"""Command not to use a word or a character."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Self

from tanuki_jax.corpus.synthesis.checkers.checker import WORDINGS_DRAWN, Checker
from tanuki_jax.corpus.synthesis.checkers.word_occurrences import check_word, occurrences
from tanuki_jax.corpus.synthesis.recipe import Language

_FORBIDDEN: Mapping[Language, tuple[str, ...]] = {
    "ja": ("、", "の", "は", "！", "しかし", "とても", "です", "私", "こと", "思う", "ー"),
    "en": ("e", "s", ",", "the", "very", "and", "because", "is", "!", "good"),
}


@dataclass(frozen=True, kw_only=True)
class Without(Checker):
    """An answer without a word or a character. A character counts wherever it is, a letter in any case; a word of Latin
    letters counts as a whole word in any case, any other text wherever its characters are."""

    forbidden: str
    """Word or character, without white space around it."""

    WORDINGS: ClassVar[Mapping[Language, tuple[str, ...]]] = {
        "ja": (
            "「{forbidden}」を一度も使わないでください。",
            "回答に「{forbidden}」を含めないでください。",
            "「{forbidden}」は使用禁止です。",
        ),
        "en": (
            'Do not use {kind} "{forbidden}".',
            'The answer must not contain {kind} "{forbidden}".',
            'Avoid {kind} "{forbidden}" altogether.',
        ),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        check_word("forbidden", self.forbidden)

    @classmethod
    def draw(cls, random: Random, language: Language) -> Self:
        return cls(forbidden=random.choice(_FORBIDDEN[language]), wording=random.randrange(WORDINGS_DRAWN))

    def values(self, language: Language) -> Mapping[str, object]:
        return {"forbidden": self.forbidden, "kind": "the word" if len(self.forbidden) > 1 else "the character"}

    def holds(self, answer: str) -> bool:
        if len(self.forbidden) == 1:
            return self.forbidden.casefold() not in answer.casefold()
        return occurrences(self.forbidden, answer) == 0
