"""Command to begin with given words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tanuki_jax.corpus.synthesis.checkers.edge_phrase import EdgePhrase
from tanuki_jax.corpus.synthesis.recipe import Language


@dataclass(frozen=True, kw_only=True)
class BeginsWith(EdgePhrase):
    """An answer that begins with given words and goes on behind them."""

    PHRASES: ClassVar[Mapping[Language, tuple[str, ...]]] = {
        "ja": (
            "結論から言うと、",
            "答え：",
            "昔々、",
            "実は、",
            "さて、",
            "【回答】",
            "要するに、",
        ),
        "en": ("In short,", "Answer:", "Once upon a time,", "In fact,", "[Reply]", "Dear reader,", "To begin with,"),
    }
    WORDINGS: ClassVar[Mapping[Language, tuple[str, ...]]] = {
        "ja": (
            "回答は「{phrase}」で始めてください。",
            "必ず「{phrase}」という言葉から書き始めてください。",
            "最初に「{phrase}」と書き、それに続けて答えてください。",
        ),
        "en": (
            'Begin your answer with "{phrase}".',
            'The first words of the answer must be "{phrase}".',
            'Start with "{phrase}" and continue from there.',
        ),
    }

    def holds(self, answer: str) -> bool:
        phrase = self.phrase.strip()
        return answer.startswith(phrase) and bool(answer[len(phrase) :].strip())
