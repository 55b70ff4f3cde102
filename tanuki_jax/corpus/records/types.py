"""What a corpus consists of: documents, conversations and preferences."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Form = Literal["text", "chat", "preference", "kto"]
"""What rows are read as: documents and conversations to read; conversations to learn from; the last two, preferences."""


@dataclass(frozen=True, slots=True)
class Document:
    """A text that stands alone."""

    id: str
    text: str
    metadata: Mapping[str, object] = field(default_factory=dict)
    """Whatever else is known of it (source, file, row, url, parents), as JSON values."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: str
    """Who speaks: system, user or assistant."""
    content: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """Turns in the order in which they were spoken; a system message, if there is one, stands first."""

    id: str
    messages: tuple[Message, ...]
    metadata: Mapping[str, object] = field(default_factory=dict)
    """As for `Document`."""


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
    """As for `Document`."""
