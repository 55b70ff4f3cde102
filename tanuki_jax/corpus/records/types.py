"""Records of a corpus: documents, conversations and preferences."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Document:
    """A single text."""

    id: str
    text: str
    metadata: Mapping[str, object] = field(default_factory=dict)
    """Further facts about it (source, file, row, url, parents), as JSON values."""


@dataclass(frozen=True, slots=True)
class Message:
    """A turn of a conversation."""

    role: str
    """The speaker: system, user or assistant."""
    content: str
    learned: bool = True
    """Whether training learns it, if it is the assistant's."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Turns in the order in which they were spoken; a system message, if there is one, is the first."""

    id: str
    messages: tuple[Message, ...]
    metadata: Mapping[str, object] = field(default_factory=dict)
    """Further facts about it, like those of a `Document`."""


@dataclass(frozen=True, slots=True)
class Preference:
    """Two answers to one prompt, one better than the other."""

    id: str
    prompt: tuple[Message, ...]
    """The turns so far; the last one is the user's."""
    chosen: str
    """The better answer."""
    rejected: str
    """The worse answer."""
    metadata: Mapping[str, object] = field(default_factory=dict)
    """Further facts about it, like those of a `Document`."""


type Record = Document | Conversation | Preference


@dataclass(frozen=True, slots=True)
class Unused:
    """A row that is as it should be, and teaches nothing: it is counted and left out."""

    reason: str
    """The reason, in a few words without the file's name."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line or row that should be a record and is none."""

    reason: str
    """The fault, in a few words without the file's name."""
