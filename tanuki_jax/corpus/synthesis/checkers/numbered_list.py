"""Command to answer with a numbered list."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Self

from tanuki_jax.corpus.synthesis.checkers.checker import WORDINGS_DRAWN, Checker
from tanuki_jax.corpus.synthesis.checkers.listed_lines import Several, begins, written_lines
from tanuki_jax.corpus.synthesis.recipe import Language


@dataclass(frozen=True, kw_only=True)
class NumberedList(Checker):
    """A list of items "1. ", "2. ", ... of one line each, in half-width digits, and nothing else; blank lines may be
    between them."""

    items: Several
    """Number of items."""

    WORDINGS: ClassVar[Mapping[Language, tuple[str, ...]]] = {
        "ja": (
            "「1. 」から「{items}. 」までの番号つきリストだけで答えてください。各項目は一行にしてください。",
            "半角の番号（「1. 」「2. 」…）をつけた{items}項目のリストで、前置きなしに答えてください。一項目一行です。",
        ),
        "en": (
            'Answer with nothing but a numbered list of exactly {items} items ("1. ", "2. ", ...), one line each.',
            'Give {items} items, numbered "1. " to "{items}. ", each on one line. Write no introduction and no ending.',
        ),
    }

    @classmethod
    def draw(cls, random: Random, language: Language) -> Self:
        return cls(items=random.randint(2, 8), wording=random.randrange(WORDINGS_DRAWN))

    def values(self, language: Language) -> Mapping[str, object]:
        return {"items": self.items}

    def holds(self, answer: str) -> bool:
        lines, expected = written_lines(answer), [f"{number}. " for number in range(1, self.items + 1)]
        return len(lines) == len(expected) and all(map(begins, lines, expected))
