"""Command to answer in plain Japanese."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tanuki_jax.corpus.cleaning.morphology import morphemes
from tanuki_jax.corpus.synthesis.checkers.ended_sentences import POLITE, EndedSentences
from tanuki_jax.corpus.synthesis.recipe import Language

_ASKED = re.compile("(?:の|ん)か$")
_PREDICATES = ("動詞", "形容詞", "助動詞")


@dataclass(frozen=True, kw_only=True)
class Plain(EndedSentences):
    """Sentences that all end in a predicate of the plain form (だ, である, a verb or an adjective)."""

    WORDINGS: ClassVar[Mapping[Language, tuple[str, ...]]] = {
        "ja": (
            "すべての文を「だ・である」調で書いてください。体言止めは使わないでください。",
            "文末は常体（だ・である）に統一し、「です」「ます」も体言止めも使わないでください。",
        ),
        "en": (
            "Write in Japanese, and end every sentence in the plain form (だ, である), never in です, ます or a noun.",
            "Answer in plain Japanese (だ・である). No sentence may end in です, ます or a noun.",
        ),
    }

    def ends_so(self, sentence: str) -> bool:
        if POLITE.search(sentence) is not None:
            return False
        found = list(morphemes(_ASKED.sub("", sentence)))
        while found and found[-1].part_of_speech == "助詞" and "終助詞" in found[-1].detail:
            found.pop()
        return bool(found) and found[-1].part_of_speech in _PREDICATES
