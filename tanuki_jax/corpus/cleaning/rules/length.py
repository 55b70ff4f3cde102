"""Drop documents that are too short or too long."""

from dataclasses import dataclass

from tanuki_jax.config.limits import NonNegativeInt, PositiveInt
from tanuki_jax.corpus.cleaning.draft import Draft


@dataclass(frozen=True, kw_only=True)
class Length:
    """Drop documents with too few or too many characters that are no white space."""

    shortest: NonNegativeInt = 30
    """Least number of characters; Tanuki's pipeline kept documents from 30 on."""
    longest: PositiveInt = 1 << 40
    """Greatest number of characters. Over-long documents are better split than dropped: `Pipeline.split_characters`."""

    def apply(self, draft: Draft) -> str:
        """Return the reason to drop the document; empty: keep it."""
        length = sum(map(len, draft.text.split()))
        if draft.within("characters", length, least=self.shortest, most=self.longest):
            return ""
        return "too short" if length < self.shortest else "too long"
