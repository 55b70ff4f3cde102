"""Command to answer in pairs of a question and an answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Self

from tanuki_jax.config.limits import PositiveInt
from tanuki_jax.corpus.synthesis.checkers.checker import WORDINGS_DRAWN, Checker
from tanuki_jax.corpus.synthesis.checkers.listed_lines import begins, written_lines
from tanuki_jax.corpus.synthesis.recipe import Language


@dataclass(frozen=True, kw_only=True)
class QuestionAnswer(Checker):
    """Pairs of a line "Q: ..." and a line "A: ...", and nothing else; blank lines may be between them."""

    pairs: PositiveInt
    """Number of pairs."""

    WORDINGS: ClassVar[Mapping[Language, tuple[str, ...]]] = {
        "ja": (
            "「Q: 」で始まる質問の行と「A: 」で始まる答えの行を交互に、{pairs}組だけ書いてください。",
            "一問一答の形で{pairs}組書いてください。質問は「Q: 」、答えは「A: 」で始まる一行とし、ほかの文は不要です。",
        ),
        "en": (
            'Write {pairs} pair(s) of a line that begins with "Q: " and one that begins with "A: ", and no more.',
            'Answer with {pairs} time(s) a line "Q: ..." followed by a line "A: ...". Add no other text.',
        ),
    }

    @classmethod
    def draw(cls, random: Random, language: Language) -> Self:
        return cls(pairs=random.randint(1, 5), wording=random.randrange(WORDINGS_DRAWN))

    def values(self, language: Language) -> Mapping[str, object]:
        return {"pairs": self.pairs}

    def holds(self, answer: str) -> bool:
        lines, expected = written_lines(answer), ("Q: ", "A: ") * self.pairs
        return len(lines) == len(expected) and all(map(begins, lines, expected))
