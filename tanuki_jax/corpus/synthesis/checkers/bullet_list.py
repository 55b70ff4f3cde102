"""Command to answer with bullet points behind a given sign."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Literal, Self

from tanuki_jax.corpus.synthesis.checkers.checker import WORDINGS_DRAWN, Checker
from tanuki_jax.corpus.synthesis.checkers.listed_lines import Several, begins, written_lines
from tanuki_jax.corpus.synthesis.recipe import Language

type Sign = Literal["・", "- ", "* ", "● ", "◆ ", "→ ", "※"]
_SIGNS: Mapping[Language, tuple[Sign, ...]] = {
    "ja": ("・", "- ", "* ", "● ", "◆ ", "→ ", "※"),
    "en": ("- ", "* ", "● ", "◆ ", "→ "),
}


@dataclass(frozen=True, kw_only=True)
class BulletList(Checker):
    """A list of items of one line each behind a given sign, and nothing else; blank lines may be between them."""

    sign: Sign
    """Characters with which each line begins."""
    items: Several
    """Number of items."""

    WORDINGS: ClassVar[Mapping[Language, tuple[str, ...]]] = {
        "ja": (
            "行の頭に「{sign}」をつけた箇条書き{items}行だけで答えてください。",
            "{items}個の項目を「{sign}」で始まる箇条書きにしてください。一項目は一行で、ほかの文は不要です。",
        ),
        "en": (
            'Answer with exactly {items} bullet points, each on one line that begins with "{sign}", and nothing else.',
            'Give {items} items as a list. Begin each line with "{sign}" and add no other text.',
        ),
    }

    @classmethod
    def draw(cls, random: Random, language: Language) -> Self:
        return cls(
            sign=random.choice(_SIGNS[language]), items=random.randint(2, 8), wording=random.randrange(WORDINGS_DRAWN)
        )

    def values(self, language: Language) -> Mapping[str, object]:
        return {"sign": self.sign, "items": self.items}

    def holds(self, answer: str) -> bool:
        lines = written_lines(answer)
        return len(lines) == self.items and all(begins(line, self.sign) for line in lines)
