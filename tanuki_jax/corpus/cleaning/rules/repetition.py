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
from tanuki_jax.corpus.cleaning.ngrams import (
    Hashes,
    bound_of_most_frequent,
    count_again,
    covered,
    extended,
    joined,
    repeats,
)

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
            few = draft.within(f"share of repeated {name}", share, most=most)
            if not few or not draft.within(f"characters in repeated {name}", of_characters, most=most_characters):
                return f"repeated {name}"
        points = codepoints("".join(text.split())).astype(np.uint64)
        if points.size < 2:
            return ""
        same = int(np.count_nonzero(points[1:] == points[:-1])) / points.size
        if not draft.within("characters like the one before", same, most=self.same_characters):
            return "repeated characters"
        return self._repeats(draft, points) if points.size >= self.shortest else ""

    def _repeats(self, draft: Draft, points: Hashes) -> str:
        """Return a reason if n-grams are repeated."""
        width, size = self.characters_per_word, points.size
        top = dict(enumerate(self.top, start=2))
        repeated = dict(enumerate(self.repeated, start=5)) if size >= self.shortest_repeated else {}
        words = points  # hash of the `width` characters that begin at each place
        for length in range(2, width + 1):
            words = extended(words, points, length)
        hashes = words
        for count in range(2, max([0, *top, *repeated]) + 1):
            hashes = joined(hashes[: max(words.size - width * (count - 1), 0)], words[width * (count - 1) :])
            span = width * count
            # Bounds that are fast to compute spare most documents the exact shares.
            if span * bound_of_most_frequent(hashes) > top.get(count, np.inf) * size:
                share = covered(repeats(hashes).top, span) / size
                if not draft.within(f"most frequent phrase of {count} words", share, most=top[count]):
                    return "one frequent phrase"
            if count < max(top, default=0) and count not in repeated:
                continue
            most_again = span * count_again(hashes)
            if most_again > repeated.get(count, np.inf) * size:
                most_again = covered(repeats(hashes).again, span)
                if not draft.within(f"repeated phrases of {count} words", most_again / size, most=repeated[count]):
                    return "repeated phrases"
            # A longer n-gram that repeats contains shorter ones that do, so that it covers at most what they cover.
            later = [most for longer, most in repeated.items() if longer > count]
            if count >= max(top, default=0) and most_again <= min(later, default=1.0) * size:
                return ""
        return ""


def _copies(parts: Sequence[str]) -> tuple[float, float]:
    """Return the shares of parts, and of their characters, that are copies of earlier parts."""
    if len(parts) < 2:
        return 0.0, 0.0
    counts = Counter(parts)
    copied = sum((count - 1) * len(part) for part, count in counts.items())
    return 1 - len(counts) / len(parts), copied / sum(map(len, parts))
