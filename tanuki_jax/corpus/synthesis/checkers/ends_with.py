"""Command to end with given words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tanuki_jax.corpus.synthesis.checkers.edge_phrase import EdgePhrase
from tanuki_jax.corpus.synthesis.recipe import Language


@dataclass(frozen=True, kw_only=True)
class EndsWith(EdgePhrase):
    """An answer that ends with given words behind something else."""

    PHRASES: ClassVar[Mapping[Language, tuple[str, ...]]] = {
        "ja": (
            "以上です。",
            "おわり",
            "ありがとうございました。",
            "（完）",
            "いかがでしたか？",
            "また会いましょう！",
        ),
        "en": ("That is all.", "The end", "Thank you for reading!", "(end)", "What do you think?", "See you soon!"),
    }
    WORDINGS: ClassVar[Mapping[Language, tuple[str, ...]]] = {
        "ja": (
            "回答の最後は「{phrase}」で終えてください。",
            "一番最後に「{phrase}」と書き、その後には何も書かないでください。",
            "「{phrase}」で回答を締めくくってください。",
        ),
        "en": (
            'End your answer with "{phrase}".',
            'The last words of the answer must be "{phrase}", with nothing behind them.',
            'Close with "{phrase}" and write nothing after it.',
        ),
    }

    def holds(self, answer: str) -> bool:
        phrase = self.phrase.strip()
        return answer.endswith(phrase) and bool(answer[: -len(phrase)].strip())
