"""Drop lines that were cut, and documents without a complete sentence."""

import functools
import re
from dataclasses import dataclass

from tanuki_jax.config.limits import Share
from tanuki_jax.corpus.cleaning.character_classes import Class, count_classes
from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.lines import keep_lines
from tanuki_jax.corpus.cleaning.vocabulary import load_vocabulary

_SENTENCE_END = re.compile(r"[。｡．！？!?]|[a-zA-Z)\"']\.(?:\s|$)|[…♪☆][\s」』]|[」』](?:\s|$)")


@dataclass(frozen=True, kw_only=True)
class Endings:
    """Drop lines that end as a cut excerpt does, then documents in which no sentence ends.

    Both are upstream's (`clean_text`: about 300 broken endings, and documents must contain the end of a sentence); C4
    (Raffel et al., 2020) drops every line without an ending, which drops headings and verse too. A document without
    punctuation stays here if it has as many hiragana as sentences have, for that is verse.
    """

    broken: str = "broken_endings"
    """Vocabulary of endings of lines that were cut; empty: none."""
    verse_hiragana: Share = 0.45
    """Share of hiragana among kana and kanji from which on a document needs no end of a sentence."""

    def apply(self, draft: Draft) -> str:
        """Return the reason to drop the document; empty: keep it."""
        endings = _endings(self.broken) if self.broken else ()
        reason = keep_lines(draft, lambda line: not line.rstrip().endswith(endings)) if endings else ""
        if reason or _SENTENCE_END.search(draft.text) is not None:
            return reason
        counts = count_classes(draft.text)
        japanese = int(counts[[Class.HIRAGANA, Class.KATAKANA, Class.KANJI]].sum())
        share = int(counts[Class.HIRAGANA]) / max(japanese, 1)
        verse = draft.within("share of hiragana, as no sentence ends", share, least=self.verse_hiragana)
        return "" if verse and japanese else "no sentence ends"


@functools.cache
def _endings(vocabulary: str) -> tuple[str, ...]:
    return load_vocabulary(vocabulary)
