"""Command to answer in an exact number of sentences."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Annotated, ClassVar, Self

from tanuki_jax.config.limits import Limits
from tanuki_jax.corpus.synthesis.checkers.checker import WORDINGS_DRAWN, Checker
from tanuki_jax.corpus.synthesis.recipe import Language

_QUOTED = re.compile(r"「[^「」]*」|『[^『』]*』|“[^“”]*”|\"[^\"\n]*\"|（[^（）]*）|\([^()]*\)")
_SHORT_FORMS = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|Prof|St|No|vs|e\.g|i\.e|[A-Z])\.(?=\s+\S)")
_END = re.compile(r"[。！？!?]+|\.+(?=\s|$)|\n+")


@dataclass(frozen=True, kw_only=True)
class SentenceCount(Checker):
    """An answer of exactly a number of sentences.

    A sentence ends with 。, ！, ？, !, ?, with a full stop before white space, or with its line; words in quotation
    marks or brackets are part of the sentence around them.
    """

    sentences: Annotated[int, Limits(at_least=1, at_most=50)]
    """Number of sentences."""

    WORDINGS: ClassVar[Mapping[Language, tuple[str, ...]]] = {
        "ja": (
            "ちょうど{sentences}文で答えてください。",
            "回答は{sentences}文にしてください。多くても少なくてもいけません。",
            "文の数を{sentences}つにしてください。",
        ),
        "en": (
            "Answer in exactly this number of sentences: {sentences}.",
            "The number of sentences must be {sentences}, neither more nor fewer.",
            "Use exactly {sentences} sentence(s).",
        ),
    }

    @classmethod
    def draw(cls, random: Random, language: Language) -> Self:
        return cls(sentences=random.randint(1, 6), wording=random.randrange(WORDINGS_DRAWN))

    def values(self, language: Language) -> Mapping[str, object]:
        return {"sentences": self.sentences}

    def holds(self, answer: str) -> bool:
        pieces = _END.split(_SHORT_FORMS.sub("x", _QUOTED.sub("x", answer)))
        return "```" not in answer and sum(re.search(r"\w", piece) is not None for piece in pieces) == self.sentences
