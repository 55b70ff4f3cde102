"""Command to answer in polite Japanese."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tanuki_jax.corpus.synthesis.checkers.ended_sentences import POLITE, EndedSentences
from tanuki_jax.corpus.synthesis.recipe import Language


@dataclass(frozen=True, kw_only=True)
class Polite(EndedSentences):
    """Sentences that all end in です, ます and their forms."""

    WORDINGS: ClassVar[Mapping[Language, tuple[str, ...]]] = {
        "ja": (
            "すべての文を「です・ます」調で書いてください。",
            "文末は必ず「です」「ます」などの丁寧な形にしてください。",
            "敬体（です・ます）だけで答えてください。体言止めは使わないでください。",
        ),
        "en": (
            "Write in Japanese, and end every sentence in the polite form (です, ます).",
            "Answer in polite Japanese: each sentence must end in です, ます or a form of them.",
        ),
    }

    def ends_so(self, sentence: str) -> bool:
        return POLITE.search(sentence) is not None
