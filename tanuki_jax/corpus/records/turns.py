"""The turns of a conversation, in the forms that data sets have them, and what is wrong with them."""

import itertools
from collections.abc import Mapping, Sequence

from tanuki_jax.corpus.records.types import Message

_ROLES = {"system": "system", "user": "user", "assistant": "assistant", "human": "user", "gpt": "assistant"}
TURNS = ("messages", "conversations")
"""Fields that hold a list of turns."""
INSTRUCTION = ("instruction", "input", "history", "system")
"""Fields of Alpaca's form up to the answer."""


def messages_of(turns: Sequence[object]) -> tuple[Message, ...]:
    """Messages from OpenAI's {role, content} or ShareGPT's {from, value}. ValueError says in a few words what is wrong.

    A system message stands first and not alone; otherwise roles may follow each other as they like.
    """
    if not turns:
        raise ValueError("the conversation has no messages")
    messages = tuple(message_of(turn) for turn in turns)
    if any(message.role == "system" for message in messages[1:]):
        raise ValueError("a system message does not stand first")
    if messages[-1].role == "system":
        raise ValueError("the conversation has only a system message")
    return messages


def message_of(turn: object) -> Message:
    """One message; a content may be a list of parts of type text, which are joined. ValueError as for `messages_of`, and for tool calls."""
    if not isinstance(turn, Mapping):
        raise ValueError(f"a message is not an object but {kind(turn)}")
    speaker = turn.get("role", turn.get("from"))
    content = turn.get("content", turn.get("value"))
    if not isinstance(speaker, str) or speaker not in _ROLES:
        raise ValueError(f"the role {speaker!r} is none of {', '.join(_ROLES)}")
    if turn.get("tool_calls"):
        raise ValueError("a message calls tools, and calls are not written")
    if isinstance(content, list):
        content = "".join(map(_text_of_part, content))
    if not isinstance(content, str):
        raise ValueError(f"a message's content is not text but {kind(content)}")
    return Message(_ROLES[speaker], content)


def instruction_of(fields: Mapping[str, object]) -> tuple[Message, ...] | None:
    """The turns up to the answer in Alpaca's form: `system` and `history` if there are any, `instruction`, and `input` on further lines.

    None if there is no instruction. ValueError as for `messages_of`.
    """
    instruction = fields.get("instruction")
    if instruction is None:
        return None
    question = "\n".join(
        part for part in (text_of(instruction, "the instruction"), optional_text(fields, "input")) if part
    )
    return with_system(fields, (*_history_of(fields), Message("user", question)))


def with_system(fields: Mapping[str, object], messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The messages after the system message in a field of its own, if there is one and they have none."""
    system = optional_text(fields, "system")
    return (Message("system", system), *messages) if system and messages[0].role != "system" else messages


def check(messages: Sequence[Message], *, answered: bool) -> str | None:
    """What is wrong with a conversation, in a few words; None if turns of the user and the assistant alternate after a system message.

    Args:
        messages: what to judge; turns count from 1, the system message included. Only the system message may be empty.
        answered: whether the last turn should be the assistant's; otherwise it should be the user's.
    """
    turns = [(place, message) for place, message in enumerate(messages, 1) if place > 1 or message.role != "system"]
    if not turns:
        return "the conversation has no turns"
    if answered and all(message.role != "assistant" for _, message in turns):
        return "the conversation has no turn of the assistant"
    for (place, message), expected in zip(turns, itertools.cycle(("user", "assistant")), strict=False):
        if message.role == "system":
            return "a system message does not stand first"
        if message.role != expected:
            return f"roles are out of order: turn {place} should be the {expected}'s"
        if not message.content or message.content.isspace():
            return f"turn {place}, the {message.role}'s, is empty"
    last = "assistant" if answered else "user"
    return None if turns[-1][1].role == last else f"the last turn is not the {last}'s"


def text_of(value: object, name: str) -> str:
    """`value` itself. ValueError if it is no text."""
    if not isinstance(value, str):
        raise ValueError(f"{name} is not text but {kind(value)}")
    return value


def optional_text(fields: Mapping[str, object], field: str) -> str:
    """The text in a field; empty if there is none."""
    value = fields.get(field)
    return "" if value is None else text_of(value, f"the field {field!r}")


def fields_with_values(fields: Mapping[str, object]) -> str:
    """The names of the fields that are not null, to tell what there is."""
    return ", ".join(repr(name) for name, value in fields.items() if value is not None) or "none"


def kind(value: object) -> str:
    """What something that should be another thing is."""
    return "null" if value is None else f"of type {type(value).__name__}"


def _text_of_part(part: object) -> str:
    text = part.get("text") if isinstance(part, Mapping) and part.get("type") == "text" else None
    if not isinstance(text, str):
        raise ValueError("a part of a message's content is not text")
    return text


def _history_of(fields: Mapping[str, object]) -> tuple[Message, ...]:
    """Earlier exchanges: a list of questions with their answers."""
    history = fields.get("history") or []
    if not isinstance(history, list):
        raise ValueError(f"the history is not a list but {kind(history)}")
    messages: list[Message] = []
    for exchange in history:
        if not isinstance(exchange, list) or len(exchange) != 2:
            raise ValueError("the history is not a list of questions with their answers")
        question, answer = (text_of(turn, "a turn of the history") for turn in exchange)
        messages += [Message("user", question), Message("assistant", answer)]
    return tuple(messages)
