"""Command to end every sentence with given characters."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Self

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.synthesis.checkers.checker import WORDINGS_DRAWN
from tanuki_jax.corpus.synthesis.checkers.ended_sentences import EndedSentences
from tanuki_jax.corpus.synthesis.recipe import Language

_ENDINGS = ("にゃ", "だぞ", "でござる", "なのだ", "だワン", "だっちゃ", "のじゃ", "ですわ")
_PUNCTUATION = re.compile(r"[\s、。，．,.！？!?…‥♪☆★〜～ー*_]")


@dataclass(frozen=True, kw_only=True)
class SentenceEnding(EndedSentences):
    """Sentences that all end with given characters, as a character of a story speaks."""

    ending: str
    """Last characters of every sentence before its punctuation."""

    WORDINGS: ClassVar[Mapping[Language, tuple[str, ...]]] = {
        "ja": (
            "すべての文の語尾を「{ending}」にしてください。",
            "どの文も最後（句点の前）に「{ending}」をつけて話してください。",
            "文末が必ず「{ending}」になるように答えてください。",
        ),
        "en": (
            'Write in Japanese, and end every sentence with "{ending}" (before its punctuation).',
            'Answer in Japanese like a character whose every sentence ends in "{ending}".',
        ),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.ending or _PUNCTUATION.search(self.ending):
            raise InputError(f"ending is {self.ending!r}, and must be characters without punctuation")

    @classmethod
    def draw(cls, random: Random, language: Language) -> Self:
        return cls(ending=random.choice(_ENDINGS), wording=random.randrange(WORDINGS_DRAWN))

    def values(self, language: Language) -> Mapping[str, object]:
        return {"ending": self.ending}

    def ends_so(self, sentence: str) -> bool:
        return sentence.endswith(self.ending)
