"""Turns of a conversation in the forms that data sets use, and their faults."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tanuki_jax.corpus.records.types import Message

_ROLES = {
    "system": "system",
    **dict.fromkeys(("user", "human", "prompter"), "user"),
    **dict.fromkeys(("assistant", "gpt", "chatgpt", "model", "bot", "bing", "bard", "claude"), "assistant"),
}
_FLAGS = ("train", "training", "trainable", "loss", "weight")
"""Fields of a turn that say whether it is learned: true or 1, false or 0."""
_UNSUPPORTED = ("tool_calls", "function_call", "reasoning_content", "reasoning")
"""Fields of a turn that no template here gets, and that must not be lost in silence."""
TURNS = ("messages", "conversations")
"""Fields that hold a list of turns."""
INSTRUCTION = ("instruction", "input", "context", "history", "system")
"""Fields of Alpaca's and Dolly's forms before the answer."""
INSTRUCTED = ("output", "response")
"""Fields of the answer in Alpaca's form and in Dolly's."""


def messages_of(turns: Sequence[object]) -> tuple[Message, ...]:
    """Return messages from OpenAI's {role, content} or ShareGPT's {from, value}.

    A system message may only be the first of several; the other roles may follow each other in any order. ValueError
    says in a few words what is wrong.
    """
    if not turns:
        raise ValueError("the conversation has no messages")
    messages = tuple(message_of(turn) for turn in turns)
    if any(message.role == "system" for message in messages[1:]):
        raise ValueError("a system message is not the first message")
    if messages[-1].role == "system":
        raise ValueError("the conversation has only a system message")
    return messages


def message_of(turn: object) -> Message:
    """Return one message; text parts of its content are joined. ValueError says what is wrong, or which field of it is
    not supported."""
    if not isinstance(turn, Mapping):
        raise ValueError(f"a message is not an object but {actual_type(turn)}")
    speaker = turn.get("role", turn.get("from"))
    content = turn.get("content", turn.get("value"))
    if not isinstance(speaker, str) or speaker not in _ROLES:
        raise ValueError(f"the role {speaker!r} is none of {', '.join(_ROLES)}")
    for field in _UNSUPPORTED:
        if turn.get(field):
            raise ValueError(f"a message has {field}, which is not supported")
    if isinstance(content, list):
        content = "".join(map(_text_of_part, content))
    if not isinstance(content, str):
        raise ValueError(f"a message's content is not text but {actual_type(content)}")
    return Message(_ROLES[speaker], content, _is_learned(turn, _ROLES[speaker]))


def _is_learned(turn: Mapping[str, object], role: str) -> bool:
    """Return whether the flags of a turn let it be learned. ValueError if one is neither true nor false, two contradict
    each other, or a turn that is not the assistant's is to be learned."""
    flags = {name: turn[name] for name in _FLAGS if turn.get(name) is not None}
    for name, value in flags.items():
        if not isinstance(value, bool | int | float) or value not in (0, 1):
            raise ValueError(f"a message has {name} {value!r:.40}, which must be true or 1, or false or 0")
    if len(set(map(bool, flags.values()))) > 1:
        raise ValueError(f"a message has {' and '.join(flags)}, which contradict each other")
    if role != "assistant" and any(flags.values()):
        raise ValueError(f"a message of the {role} has {next(iter(flags))}, and only the assistant's are learned")
    return all(flags.values())


def ending_with_answer(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Return a conversation without questions at its end, in which words of the assistant before the first question are
    context, which is not learned."""
    kept = list(messages)
    while kept[-1].role == "user" and any(message.role == "assistant" for message in kept):
        kept.pop()
    first = 1 if kept and kept[0].role == "system" else 0
    if len(kept) > first + 1 and kept[first].role == "assistant":
        kept[first] = replace(kept[first], learned=False)
    return tuple(kept)


def instruction_of(fields: Mapping[str, object]) -> tuple[Message, ...] | None:
    """Return the turns before the answer in Alpaca's form or Dolly's; None if there is no instruction.

    They are `system` and `history`, if there are any, then `instruction` and `input` or `context`, joined by a newline.
    ValueError says in a few words what is wrong.
    """
    instruction = fields.get("instruction")
    if instruction is None:
        return None
    question = "\n".join(
        part
        for part in (
            text_of(instruction, "the instruction"),
            optional_text(fields, "input"),
            optional_text(fields, "context"),
        )
        if part
    )
    return with_system(fields, (*_history_of(fields), Message("user", question)))


def with_system(fields: Mapping[str, object], messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Return the messages, after the text in the field `system` if there is one and they have no system message."""
    system = optional_text(fields, "system")
    return (Message("system", system), *messages) if system and messages[0].role != "system" else messages


def check(messages: Sequence[Message], *, answered: bool) -> str | None:
    """Describe what is wrong with a conversation, in a few words.

    None if turns of the user and the assistant, none of them empty, alternate after at most one system message. The
    first turn is the user's; in an answered conversation it may be the assistant's, before the user's.

    Args:
        messages: the conversation. Faults name turns by their number from 1, which counts the system message.
        answered: whether the last turn should be the assistant's; otherwise it should be the user's.
    """
    turns = [(number, message) for number, message in enumerate(messages, 1) if number > 1 or message.role != "system"]
    if not turns:
        return "the conversation has no turns"
    if answered and all(message.role != "assistant" for _, message in turns):
        return "the conversation has no turn of the assistant"
    welcomed = answered and len(turns) > 1 and turns[0][1].role == "assistant"
    order = itertools.cycle(("assistant", "user") if welcomed else ("user", "assistant"))
    for (number, message), expected in zip(turns, order, strict=False):
        if message.role == "system":
            return "a system message is not the first message"
        if message.role != expected:
            return f"roles are out of order: turn {number} should be the {expected}'s"
        if not message.content or message.content.isspace():
            return f"turn {number}, the {message.role}'s, is empty"
    last = "assistant" if answered else "user"
    if turns[-1][1].role != last:
        return f"the last turn is not the {last}'s"
    if answered and not any(message.learned for _, message in turns if message.role == "assistant"):
        return "no turn of the assistant is to be learned"
    return None


def text_of(value: object, name: str) -> str:
    """Return `value` if it is text, else raise ValueError with its name."""
    if not isinstance(value, str):
        raise ValueError(f"{name} is not text but {actual_type(value)}")
    return value


def optional_text(fields: Mapping[str, object], field: str) -> str:
    """Return the text in a field; empty if the field is missing or null."""
    value = fields.get(field)
    return "" if value is None else text_of(value, f"the field {field!r}")


def names_of(fields: Mapping[str, object]) -> str:
    """List the names of the fields that are not null, for an error message."""
    return ", ".join(repr(name) for name, value in fields.items() if value is not None) or "none"


def actual_type(value: object) -> str:
    """Describe the actual type of a value, for an error message."""
    return "null" if value is None else f"of type {type(value).__name__}"


def _text_of_part(part: object) -> str:
    text = part.get("text") if isinstance(part, Mapping) and part.get("type") == "text" else None
    if not isinstance(text, str):
        raise ValueError("a part of a message's content is not text")
    return text


def _history_of(fields: Mapping[str, object]) -> tuple[Message, ...]:
    """Return the turns of `history`, a list of [question, answer]."""
    history = fields.get("history") or []
    if not isinstance(history, list):
        raise ValueError(f"the history is not a list but {actual_type(history)}")
    messages: list[Message] = []
    for exchange in history:
        if not isinstance(exchange, list) or len(exchange) != 2:
            raise ValueError("the history is not a list of [question, answer]")
        question, answer = (text_of(turn, "a turn of the history") for turn in exchange)
        messages += [Message("user", question), Message("assistant", answer)]
    return tuple(messages)
