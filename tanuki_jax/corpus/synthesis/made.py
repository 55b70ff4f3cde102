"""A record that a recipe made, and the protocol of the filters that judge it."""

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from tanuki_jax.corpus.records.types import Conversation, Document, Preference, Rating, Record

FilterLanguage = Literal["ja", "en", "same"]
"""Language that a filter wants; same: that in the metadata of the record, which the recipe was to write in."""


@dataclass(frozen=True, slots=True)
class Made:
    """A record, and what filters need to judge it."""

    record: Record
    written: str
    """Text that the teacher wrote: the whole record, or its part that is new."""
    sources: tuple[str, ...] = ()
    """Texts that it was made from, and must agree with; empty: it was made from nothing."""
    style: str = ""
    """Form that was asked for, such as "textbook"; outputs of one style are compared with each other."""


def characters_of(record: Record) -> int:
    """Return the number of characters of a record's texts."""
    match record:
        case Document():
            return len(record.text)
        case Conversation():
            return sum(len(message.content) for message in record.messages)
        case Preference():
            answers = len(record.chosen) + len(record.rejected)
        case Rating():
            answers = len(record.answer)
    return answers + sum(len(message.content) for message in record.prompt)


def language_of(made: Made, wanted: FilterLanguage) -> Literal["ja", "en"] | None:
    """Return the language that a filter wants of a record: the one in its metadata for "same"; None: it has none."""
    found = made.record.metadata.get("language") if wanted == "same" else wanted
    return found if found in ("ja", "en") else None


@runtime_checkable
class Filter(Protocol):
    """A reason to drop records. A filter is a frozen dataclass in a file of its own, and its fields are options."""

    def reason(self, made: Made) -> str:
        """Return why the record is dropped, in words that are the same for all such records; empty: it is kept."""
        ...
