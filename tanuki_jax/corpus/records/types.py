"""Records of a corpus: documents, conversations, preferences and rated answers."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

CALLS = ("tool_calls", "function_call")
"""Fields of a turn that hold calls of tools."""
REASONING = ("reasoning_content", "reasoning", "thinking")
"""Fields of a turn that hold what the assistant thought before its answer."""

type Tool = Mapping[str, object]
"""Description of a function that the assistant may call, as JSON values (mostly OpenAI's `{type, function}`)."""


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
    """The speaker: system, user, assistant or tool."""
    content: str
    """Text of the turn; empty if it has none, such as one that only calls tools."""
    weight: float = 1.0
    """Factor of its tokens in the loss, from 0 to 1, if it is the assistant's; 0: context that is not learned."""
    fields: Mapping[str, object] = field(default_factory=dict, hash=False)
    """The whole turn, as JSON values, if it is more than role and content: then templates get this. A content that
    was null or missing is so here too."""

    @property
    def learned(self) -> bool:
        """Whether training learns it, if it is the assistant's."""
        return self.weight > 0

    @property
    def calls_tools(self) -> bool:
        """Whether it calls tools."""
        return any(self.fields.get(name) for name in CALLS)

    @property
    def calls_and_reasoning(self) -> tuple[str, ...]:
        """Return the names of its fields that say more than its content: calls and reasoning."""
        return tuple(name for name in (*CALLS, *REASONING) if self.fields.get(name)) if self.fields else ()

    @property
    def turn(self) -> Mapping[str, object]:
        """Return the turn as a template gets it, and as a file holds it."""
        return self.fields or {"role": self.role, "content": self.content}


class Chat(NamedTuple):
    """A conversation as a template renders it."""

    messages: Sequence[Message]
    tools: Sequence[Tool] = ()
    """Functions that the assistant may call."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Turns in the order in which they were spoken; a system message, if there is one, is the first."""

    id: str
    messages: tuple[Message, ...]
    metadata: Mapping[str, object] = field(default_factory=dict)
    """Further facts about it, like those of a `Document`."""
    tools: tuple[Tool, ...] = ()
    """Functions that the assistant may call."""


@dataclass(frozen=True, slots=True)
class Preference:
    """Two answers to one prompt, one better than the other."""

    id: str
    prompt: tuple[Message, ...]
    """The turns so far; the last one is the user's, or a tool's."""
    chosen: str
    """The better answer."""
    rejected: str
    """The worse answer."""
    metadata: Mapping[str, object] = field(default_factory=dict)
    """Further facts about it, like those of a `Document`."""
    tools: tuple[Tool, ...] = ()
    """Functions that the assistant may call."""


@dataclass(frozen=True, slots=True)
class Rating:
    """One answer to a prompt, which is good or bad (unpaired KTO)."""

    id: str
    prompt: tuple[Message, ...]
    """The turns so far; the last one is the user's, or a tool's."""
    answer: str
    good: bool
    metadata: Mapping[str, object] = field(default_factory=dict)
    """Further facts about it, like those of a `Document`."""
    tools: tuple[Tool, ...] = ()
    """Functions that the assistant may call."""


type Record = Document | Conversation | Preference | Rating


@dataclass(frozen=True, slots=True)
class Unused:
    """A row that is as it should be, and teaches nothing: it is counted and left out."""

    reason: str
    """The reason, in a few words without the file's name."""


class TeachesNothing(ValueError):
    """A row is as it should be, and there is nothing to learn from it."""


class NotRead(enum.Enum):
    """Value of a field that was left out because nobody needs it; its name is still known."""

    NOT_READ = enum.auto()


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line or row that should be a record and is none."""

    reason: str
    """The fault, in a few words without the file's name."""
    content: bytes = field(default=b"", compare=False, repr=False)
    """Bytes of a whole file that is a text, but not in UTF-8."""
