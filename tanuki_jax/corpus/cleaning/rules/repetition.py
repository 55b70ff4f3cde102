"""Drop documents that repeat themselves."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from tanuki_jax.config.limits import Limits, PositiveInt
from tanuki_jax.corpus.cleaning.character_classes import codepoints
from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.ngrams import Hashes, extended, repeated_share, top_share

_LETTER = re.compile(r"[^\W\d_]")
type Most = Annotated[float, Limits(above=0, at_most=1)]


@dataclass(frozen=True, kw_only=True)
class Repetition:
    """Drop documents that repeat lines, paragraphs or runs of characters.

    The measures and thresholds of Gopher (Rae et al., 2021, table A1), which upstream uses too. Gopher counts n-grams
    of words. A Japanese word has about two characters (1.9 with the IPA dictionary), so that an n-gram of words is one
    of 2n characters here; white space is left out. In a short document one phrase is a large share: below `shortest`
    characters n-grams are not counted, below `shortest_repeated` only the most frequent ones are.
    """

    same_characters: Most = 0.3
    """Greatest share of characters that equal the one before (upstream's ratio of repeated characters)."""
    lines: Most = 0.3
    """Greatest share of lines that are copies of earlier ones; a line of signs alone, which parts a text, is none."""
    paragraphs: Most = 0.3
    """Greatest share of paragraphs that are copies of earlier ones."""
    line_characters: Most = 0.2
    """Greatest share of characters in lines that are copies of earlier ones."""
    paragraph_characters: Most = 0.2
    """Greatest share of characters in paragraphs that are copies of earlier ones."""
    top: tuple[Most, ...] = (0.20, 0.18, 0.16)
    """Greatest shares of characters in the most frequent n-gram of 2, 3, 4, ... words."""
    repeated: tuple[Most, ...] = (0.15, 0.14, 0.13, 0.12, 0.11, 0.10)
    """Greatest shares of characters in n-grams of 5, 6, 7, ... words that occurred before."""
    characters_per_word: PositiveInt = 2
    """Characters that stand for a word: 2 in Japanese, 5 in English."""
    shortest: PositiveInt = 50
    """Least number of characters in which the most frequent n-gram is looked for."""
    shortest_repeated: PositiveInt = 500
    """Least number of characters in which n-grams that occurred before are counted."""

    def apply(self, draft: Draft) -> str:
        """Return the reason to drop the document; empty: keep it."""
        text = draft.text
        lines = [line for line in text.split("\n") if _LETTER.search(line) is not None]
        paragraphs = [part for part in text.split("\n\n") if _LETTER.search(part) is not None]
        for name, parts, most, most_characters in (
            ("lines", lines, self.lines, self.line_characters),
            ("paragraphs", paragraphs, self.paragraphs, self.paragraph_characters),
        ):
            share, of_characters = _copies(parts)
            if share > most or of_characters > most_characters:
                return f"repeated {name}"
        points = codepoints("".join(text.split())).astype(np.uint64)
        if points.size < 2:
            return ""
        if np.count_nonzero(points[1:] == points[:-1]) > self.same_characters * points.size:
            return "repeated characters"
        return self._repeats(points) if points.size >= self.shortest else ""

    def _repeats(self, points: Hashes) -> str:
        """Return a reason if n-grams are repeated."""
        tops = {self.characters_per_word * (2 + step): most for step, most in enumerate(self.top)}
        repeated = self.repeated if points.size >= self.shortest_repeated else ()
        repeats = {self.characters_per_word * (5 + step): most for step, most in enumerate(repeated)}
        hashes = points
        for length in range(1, max([0, *tops, *repeats]) + 1):
            if length > 1:
                hashes = extended(hashes, points, length)
            if length in tops and top_share(hashes, length, points.size) > tops[length]:
                return "one frequent phrase"
            if length in repeats:
                share = repeated_share(hashes, length, points.size)
                if share > repeats[length]:
                    return "repeated phrases"
                # A longer n-gram that repeats contains shorter ones that do, so that its share is at most this one.
                if share <= min((most for longer, most in repeats.items() if longer > length), default=1.0):
                    return ""
        return ""


def _copies(parts: Sequence[str]) -> tuple[float, float]:
    """Return the shares of parts, and of their characters, that are copies of earlier parts."""
    if len(parts) < 2:
        return 0.0, 0.0
    counts = Counter(parts)
    copied = sum((count - 1) * len(part) for part, count in counts.items())
    return 1 - len(counts) / len(parts), copied / sum(map(len, parts))
