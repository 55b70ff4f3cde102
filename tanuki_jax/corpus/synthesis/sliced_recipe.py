"""Recipes that write from a random part of a document: their options, and what their records have in common."""

from dataclasses import dataclass
from random import Random
from typing import ClassVar, Literal

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.limits import PositiveInt, check_fields
from tanuki_jax.corpus.cleaning.identify_language import identified
from tanuki_jax.corpus.records.types import Document
from tanuki_jax.corpus.synthesis.document_slice import Slice, random_slice
from tanuki_jax.corpus.synthesis.recipe import Dropped, Item, Language, Recipe


@dataclass(frozen=True, slots=True)
class Part:
    """Part of a document from which a record is made."""

    document: Document
    slice: Slice
    language: Language
    """Language in which the teacher writes."""

    @property
    def text(self) -> str:
        """Return its text."""
        return self.slice.text


@dataclass(frozen=True, kw_only=True)
class SlicedRecipe(Recipe):
    """A recipe that gives the teacher a random part of a document."""

    reads = "documents"
    name: ClassVar[str]
    """Folder of its templates, and name in the metadata of its records."""

    language: Literal["ja", "en", "same"] = "same"
    """Language of prompts and answers; same: that of the document, which is dropped if it is neither."""
    least: PositiveInt = 400
    """Least number of characters of the part of a document that is given; a shorter document is given whole."""
    most: PositiveInt = 2_000
    """Greatest number of characters of the part of a document that is given."""

    def __post_init__(self) -> None:
        check_fields(self, prefix=f"{self.name}.")
        if self.least > self.most:
            raise InputError(f"{self.name}.least is {self.least}, and must be at most {self.name}.most, {self.most}")

    def part(self, item: Item, random: Random) -> Part:
        """Return a random part of an item's document.

        Raises:
            Dropped: the document is empty, or in a language for which there are no prompts.
        """
        assert isinstance(item.record, Document)
        piece = random_slice(item.record.text, random, self.least, self.most)
        return Part(item.record, piece, language_of(piece.text) if self.language == "same" else self.language)

    def template(self, file: str, language: Language) -> str:
        """Return the name of a template of the recipe, for an `Ask`."""
        return f"{self.name}/{file}.{language}.jinja"

    def metadata(self, part: Part, style: str) -> dict[str, object]:
        """Return the metadata of a record that was made from a part of a document."""
        return {
            "recipe": self.name,
            "style": style,
            "language": part.language,
            "parents": [part.document.id],
            "start": part.slice.start,
            "stop": part.slice.stop,
        }


def language_of(text: str) -> Language:
    """Return the language of a text; one without letters or known words counts as English.

    Raises:
        Dropped: it is neither Japanese nor English.
    """
    match identified(text).code:
        case "ja":
            return "ja"
        case "en" | "":
            return "en"
    raise Dropped("document neither Japanese nor English")
