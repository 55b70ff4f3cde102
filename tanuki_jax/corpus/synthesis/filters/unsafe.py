"""Drop texts with many words of pornography, violence, self-harm or discrimination."""

from dataclasses import dataclass
from typing import ClassVar

from tanuki_jax.config.limits import NonNegativeFloat, PositiveInt, check_fields
from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.vocabulary import has_too_many
from tanuki_jax.corpus.synthesis.filters.proper_names import VOCABULARIES
from tanuki_jax.corpus.synthesis.made import Made


@dataclass(frozen=True, kw_only=True)
class Unsafe:
    """Drop texts with several different words of pornography, or of instructions to harm and of discrimination.

    Pornography is found as the rule `adult` of `clean` does; the other words are in `vocabularies/unsafe_words.txt`.
    Each kind counts by itself: different words must come together in few characters, so that news, history and
    prevention stay.
    """

    most: PositiveInt = 1
    """Greatest number of different words of a kind in a short text."""
    per_thousand: NonNegativeFloat = 1.0
    """Number of different words of a kind that each thousand characters may have more."""

    _KINDS: ClassVar = (
        ("pornography", ("adult_ja", "adult_en")),
        ("words of harm or discrimination", (str(VOCABULARIES / "unsafe_words.txt"),)),
    )

    def __post_init__(self) -> None:
        check_fields(self)

    def reason(self, made: Made) -> str:
        """Return why the record is dropped; empty: it is kept."""
        for reason, words in self._KINDS:
            if has_too_many(Draft("", made.written), words, self.most, self.per_thousand):
                return reason
        return ""
