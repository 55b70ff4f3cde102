"""Drop pornography."""

from dataclasses import dataclass

from tanuki_jax.config.limits import NonNegativeFloat, PositiveInt
from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.vocabulary import has_too_many


@dataclass(frozen=True, kw_only=True)
class Adult:
    """Drop documents with several different words of pornography.

    Upstream used HojiChar's lists (1,418 Japanese words), of which one occurrence is enough: that rejects a third of
    the passages of the Aozora library. Here several different words must come together in few characters.
    """

    words: tuple[str, ...] = ("adult_ja", "adult_en")
    """Vocabularies."""
    most: PositiveInt = 1
    """Greatest number of different words in a short document."""
    per_thousand: NonNegativeFloat = 1.0
    """Number of different words that each thousand characters may have more."""

    def apply(self, draft: Draft) -> str:
        """Return the reason to drop the document; empty: keep it."""
        return "adult" if has_too_many(draft, self.words, self.most, self.per_thousand) else ""
