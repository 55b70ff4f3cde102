"""Ends of the sentences of a Japanese answer."""

import re
from abc import abstractmethod
from random import Random
from typing import ClassVar, Self

from tanuki_jax.corpus.synthesis.checkers.checker import WORDINGS_DRAWN, Checker
from tanuki_jax.corpus.synthesis.recipe import Language

POLITE = re.compile(
    r"(?:です|でした|でしょう|ます|ました|ません|ませんでした|ましょう|ください|下さい|くださいませ|ませ)"
    r"(?:か|ね|よ|わ|な|が|けど|けれど|けれども|から|ので|し|のに|とも|もの)*$"
)
"""Ends of polite sentences."""
_QUOTED = re.compile(r"「[^「」]*」|『[^『』]*』|（[^（）]*）|\([^()]*\)")
_BREAK = re.compile(r"[。！？!?\n]+")
_MARK = re.compile(r"^[\s・●◆※*>#-]+|^\s*\d{1,2}[.)．）]\s*")
_TAIL = " \t\r\u3000…‥、,.♪☆★〜～ー*_"
_EMPTY = "「」"


class EndedSentences(Checker):
    """Sentences that all end in one way."""

    ANSWERS_IN: ClassVar[tuple[Language, ...]] = ("ja",)

    @classmethod
    def draw(cls, random: Random, language: Language) -> Self:
        return cls(wording=random.randrange(WORDINGS_DRAWN))

    def holds(self, answer: str) -> bool:
        ends = sentence_ends(answer)
        return bool(ends) and "```" not in answer and all(map(self.ends_so, ends))

    @abstractmethod
    def ends_so(self, sentence: str) -> bool:
        """Whether a sentence, without punctuation at its end, ends as the command says."""


def sentence_ends(text: str) -> list[str]:
    """Return the sentences of a text without marks of lists and without punctuation at their ends. Words in 「」, 『』
    and （） are no part of them, and a sentence that consists of nothing else is none."""
    pieces = [_MARK.sub("", piece) for piece in _BREAK.split(_QUOTED.sub(_EMPTY, text))]
    bare = [piece.rstrip(_TAIL).removesuffix(_EMPTY).rstrip(_TAIL) for piece in pieces]
    return [piece for piece in bare if piece.replace(_EMPTY, "").strip()]
