"""Drop most sentences with a word of page furniture."""

from dataclasses import dataclass
from random import Random
from typing import Annotated

from tanuki_jax.config.limits import Limits
from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.lines import replace_text, sentences
from tanuki_jax.corpus.cleaning.vocabulary import matcher

SHORT_LINE = 12
"""Number of characters, without white space, below which `repeats` does not count a line, unless it is told to."""
_NAME = "noise"


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Drop a sentence with a noise word with a probability, so that the model still sees such words at times.

    Upstream drops with a probability of .9 too (`random_mid`, about 300 words); its random numbers differ between
    runs. As upstream, a line is cut into sentences first. Ours are drawn for the line alone, so that an advertisement
    on many pages is cut in the same way on all, and found by `repeats`; those of a line that `repeats` does not count,
    because it is too short, are drawn for the document, so that it stays in a tenth of the documents and not in all.
    """

    words: str = "noise_ja"
    """Vocabulary of noise words."""
    probability: Annotated[float, Limits(above=0, at_most=1)] = 0.9
    """Probability with which a sentence that has one is dropped."""

    def apply(self, draft: Draft) -> str:
        """Return the reason to drop the document; empty: keep it."""
        words = matcher(self.words)
        starts = [match.start for match in words.find(draft.text)]
        if not starts:
            return ""
        shorts = draft.random(_NAME)
        lines: list[str] = []
        stop, place = 0, 0
        for line in draft.text.split("\n"):
            begin, stop = stop, stop + len(line) + 1
            first = place
            while place < len(starts) and starts[place] < stop:
                place += 1
            if place > first:
                is_short = len("".join(line.split())) < SHORT_LINE
                numbers = shorts if is_short else draft.random(_NAME, line.strip())
                line = self._kept(line, [start - begin for start in starts[first:place]], numbers)
            lines.append(line)
        return replace_text(draft, "\n".join(lines))

    def _kept(self, line: str, starts: list[int], numbers: Random) -> str:
        """Return the sentences of a line that are kept.

        Args:
            line: a line.
            starts: places of noise words in it.
            numbers: random numbers, one for each sentence with such a word.
        """
        kept: list[str] = []
        stop, place = 0, 0
        for sentence in sentences(line):
            stop += len(sentence)
            first = place
            while place < len(starts) and starts[place] < stop:
                place += 1
            if place == first or numbers.random() >= self.probability:
                kept.append(sentence)
        return "".join(kept)
