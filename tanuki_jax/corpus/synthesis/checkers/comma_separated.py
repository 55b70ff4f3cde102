"""Command to answer with items between commas."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Literal, Self

from tanuki_jax.corpus.synthesis.checkers.checker import WORDINGS_DRAWN, Checker
from tanuki_jax.corpus.synthesis.checkers.listed_lines import Several
from tanuki_jax.corpus.synthesis.recipe import Language

_MORE = re.compile(r"[。．.!！?？:：]|```")
"""Signs of sentences, labels and code, which are more than items."""
_COMMAS = ",、，"


@dataclass(frozen=True, kw_only=True)
class CommaSeparated(Checker):
    """A number of different items in one line between commas of one kind, without a full stop or a label; spaces
    around commas are free."""

    items: Several
    """Number of items."""
    comma: Literal[",", "、"] = ","
    """Comma between them."""

    WORDINGS: ClassVar[Mapping[Language, tuple[str, ...]]] = {
        "ja": (
            "{items}個の語を「{comma}」で区切り、一行で答えてください。句点は不要です。",
            "「{comma}」区切りで{items}個だけ挙げてください。改行も句点も入れないでください。",
        ),
        "en": (
            'Answer with exactly {items} items separated by "{comma}" in one line, without a full stop.',
            'List {items} items on a single line with "{comma}" between them. Do not end with a period.',
        ),
    }

    @classmethod
    def draw(cls, random: Random, language: Language) -> Self:
        comma: Literal[",", "、"] = "、" if language == "ja" and random.random() < 0.7 else ","
        return cls(items=random.randint(2, 8), comma=comma, wording=random.randrange(WORDINGS_DRAWN))

    def values(self, language: Language) -> Mapping[str, object]:
        return {"items": self.items, "comma": self.comma}

    def holds(self, answer: str) -> bool:
        items = [item.strip() for item in answer.split(self.comma)]
        return (
            len(answer.splitlines()) == 1
            and len(items) == len(set(items)) == self.items
            and all(items)
            and _MORE.search(answer) is None
            and not any(other in answer for other in _COMMAS if other != self.comma)
        )
