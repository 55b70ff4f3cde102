"""Drop texts that repeat themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tanuki_jax.config.limits import check_fields
from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.rules.repetition import Repetition
from tanuki_jax.corpus.synthesis.filters.prose import without_code
from tanuki_jax.corpus.synthesis.made import FilterLanguage, Made, language_of


@dataclass(frozen=True, kw_only=True)
class SelfRepetition:
    """Drop texts that repeat lines, paragraphs or phrases, by the rule `repetition` of `clean` and its thresholds.

    These are Gopher's (Rae et al., 2021, table A1). A teacher that loops exceeds them within a few repeats.
    Code is left out: the same names come again in every line of it.
    """

    language: FilterLanguage = "same"
    """Language of the text, on which the length of a word depends: two characters in Japanese, five in English; same:
    that of the recipe, or Japanese."""

    _RULES: ClassVar[Mapping[str, Repetition]] = {
        "ja": Repetition(),
        "en": Repetition(characters_per_word=5, shortest=125, shortest_repeated=1_250),
    }

    def __post_init__(self) -> None:
        check_fields(self)

    def reason(self, made: Made) -> str:
        """Return why the record is dropped; empty: it is kept."""
        return self._RULES[language_of(made, self.language) or "ja"].apply(Draft("", without_code(made.written)))
