"""Drop lines and documents that are lists of nouns and symbols."""

from dataclasses import dataclass
from typing import Annotated

from tanuki_jax.config.limits import Limits, NonNegativeInt
from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.lines import replace_text
from tanuki_jax.corpus.cleaning.morphology import morphemes

type Most = Annotated[float, Limits(above=0, at_most=1)]


@dataclass(frozen=True, kw_only=True)
class SymbolNoun:
    """Drop lines of which nearly every morpheme is a noun or a symbol, and documents that are mostly nouns.

    Thresholds are upstream's: .9 a line, if it has more than 10 characters, and .7 nouns a document. Numbers and words
    of Latin letters are nouns to the IPA dictionary. It takes a morphological analysis, about 2 ms for a thousand
    characters.
    """

    line: Most = 0.9
    """Greatest share of nouns and symbols among the morphemes of a line."""
    shortest_line: NonNegativeInt = 10
    """Greatest number of characters of a line that is not judged."""
    nouns: Most = 0.7
    """Greatest share of nouns among the morphemes of the document."""

    def apply(self, draft: Draft) -> str:
        """Return the reason to drop the document; empty: keep it."""
        kept: list[str] = []
        all_nouns = all_morphemes = 0
        lines = draft.text.split("\n")
        for line in lines:
            parts = [morpheme.part_of_speech for morpheme in morphemes(line)]
            nouns = parts.count("名詞")
            if len(line) > self.shortest_line and nouns + parts.count("記号") > self.line * len(parts):
                continue
            kept.append(line)
            all_nouns += nouns
            all_morphemes += len(parts)
        if len(kept) < len(lines) and (reason := replace_text(draft, "\n".join(kept))):
            return reason
        share = all_nouns / max(all_morphemes, 1)
        return "" if draft.within("share of nouns", share, most=self.nouns) else "too many nouns"
