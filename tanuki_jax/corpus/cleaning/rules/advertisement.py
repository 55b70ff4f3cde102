"""Drop advertisements."""

from dataclasses import dataclass

from tanuki_jax.config.limits import NonNegativeFloat, PositiveInt
from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.vocabulary import has_too_many


@dataclass(frozen=True, kw_only=True)
class Advertisement:
    """Drop documents with many different words of advertisements.

    Upstream used HojiChar's list of 49 words with at most 10 of them. Different words count, not their occurrences,
    and a longer document may have more, so that an article about shops stays.
    """

    words: tuple[str, ...] = ("advertisement_ja",)
    """Vocabularies."""
    most: PositiveInt = 1
    """Greatest number of different words in a short document."""
    per_thousand: NonNegativeFloat = 3.0
    """Number of different words that each thousand characters may have more."""

    def apply(self, draft: Draft) -> str:
        """Return the reason to drop the document; empty: keep it."""
        return "advertisement" if has_too_many(draft, self.words, self.most, self.per_thousand) else ""
