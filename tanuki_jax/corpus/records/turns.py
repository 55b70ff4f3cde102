"""Turns of a conversation in the forms that data sets use, and their faults."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from tanuki_jax.corpus.records.types import CALLS, Message, Tool

_ROLES = {
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("user", "human", "prompter"), "user"),
    **dict.fromkeys(("assistant", "gpt", "chatgpt", "model", "bot", "bing", "bard", "claude"), "assistant"),
    **dict.fromkeys(("tool", "function", "observation", "ipython"), "tool"),
}
_NAMES = ("role", "from", "content", "value")
_WEIGHT = "weight"
_FLAGS = ("train", "training", "trainable", "learn", "loss", _WEIGHT)
"""Fields of a turn that say whether it is learned: true or 1, false or 0; `weight` also any number between."""
_MASKS = ("mask", "masked")
ROW_FLAGS = (*_FLAGS, *_MASKS)
"""Fields that a row of a chat may not have, since they belong to its turns or mean their opposite elsewhere."""
_DEEPEST = 100
"""Most levels of objects and lists inside each other."""
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
    """Return one message; text parts of its content are joined. ValueError says in a few words what is wrong.

    Its further fields, such as calls of tools and reasoning, are kept for the template. A content may be null or
    missing only where the assistant calls tools.
    """
    if not isinstance(turn, Mapping):
        raise ValueError(f"a message is not an object but {actual_type(turn)}")
    speaker = turn.get("role", turn.get("from"))
    content = turn.get("content", turn.get("value"))
    if not isinstance(speaker, str) or speaker not in _ROLES:
        raise ValueError(f"the role {speaker!r} is none of {', '.join(_ROLES)}")
    role = _ROLES[speaker]
    further = {name: value for name, value in turn.items() if name not in (*_NAMES, *_FLAGS) and value is not None}
    _check_calls(further, role)
    _check_depth(further, "a message")
    if isinstance(content, list):
        content = "".join(map(_text_of_part, content))
    silent = content is None and any(further.get(name) for name in CALLS)
    if not isinstance(content, str) and not silent:
        raise ValueError(f"a message's content is not text but {actual_type(content)}")
    if further or silent:
        with_content = {} if silent and "content" not in turn else {"content": content}
        further = {"role": role, **with_content, **further}
    return Message(role, content if isinstance(content, str) else "", _weight_of(turn, role), further)


def _check_calls(fields: Mapping[str, object], role: str) -> None:
    """Raise ValueError if calls of tools are not the assistant's, or not the list of objects that templates expect."""
    for name in CALLS:
        calls = fields.get(name)
        if calls and role != "assistant":
            raise ValueError(f"a message of the {role} has {name}, and only the assistant calls tools")
        listed = calls if isinstance(calls, list) else [calls]
        if calls and not (isinstance(calls, list) == (name == "tool_calls") and all(map(_is_object, listed))):
            raise ValueError(f"{name} of a message must be {_FORM_OF_CALLS[name]}, not {calls!r:.40}")


_FORM_OF_CALLS = {"tool_calls": "a list of objects", "function_call": "an object"}


def _is_object(value: object) -> bool:
    return isinstance(value, Mapping)


def check_row(fields: Mapping[str, object]) -> None:
    """Raise ValueError if a row of a chat has flags, which belong to its turns, or documents, which templates do not
    get."""
    for name in ROW_FLAGS:
        if fields.get(name) not in (None, 1):
            raise ValueError(f"the row has {name}, and only its turns have flags: {', '.join(_FLAGS)}")
    if fields.get("documents"):
        raise ValueError("the row has documents, which templates do not get")


def _weight_of(turn: Mapping[str, object], role: str) -> float:
    """Return the weight of a turn by its flags. ValueError if one is not what it may be, two contradict each other, or
    a turn that is not the assistant's is to be learned."""
    if masks := [name for name in _MASKS if turn.get(name)]:
        raise ValueError(f"a message has {masks[0]}, which is not one of the flags {', '.join(_FLAGS)}")
    flags = {name: turn[name] for name in _FLAGS if turn.get(name) is not None}
    for name, value in flags.items():
        if not isinstance(value, bool | int | float) or not (value in (0, 1) or (name == _WEIGHT and 0 < value < 1)):
            between = ", or a number between" if name == _WEIGHT else ""
            raise ValueError(f"a message has {name} {value!r:.40}, which must be true or 1, or false or 0{between}")
    if len(set(map(bool, flags.values()))) > 1:
        raise ValueError(f"a message has {' and '.join(flags)}, which contradict each other")
    if role != "assistant" and any(flags.values()):
        raise ValueError(f"a message of the {role} has {next(iter(flags))}, and only the assistant's are learned")
    weight = flags.get(_WEIGHT, all(flags.values()))
    assert isinstance(weight, bool | int | float)
    return float(weight)


def tools_of(fields: Mapping[str, object]) -> tuple[Tool, ...]:
    """Return the functions in the field `tools` of a row: a list of objects, or such a list as JSON in a text.

    ValueError says in a few words what is wrong.
    """
    if fields.get("functions"):
        raise ValueError("the row has functions, which no template reads: name them tools")
    tools = fields.get("tools")
    if isinstance(tools, str) and tools.strip():
        try:
            tools = json.loads(tools)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"the field 'tools' is a text that is not JSON: {error}") from error
    if not tools:
        return ()
    if not isinstance(tools, list) or not all(map(_is_object, tools)):
        raise ValueError(f"the field 'tools' is not a list of objects but {tools!r:.40}")
    _check_depth(tools, "the field 'tools'")
    return tuple({name: value for name, value in tool.items() if value is not None} for tool in tools)


def _check_depth(value: object, name: str) -> None:
    """Raise ValueError if a value is nested so deeply that a template or JSON could not write it."""
    level: list[object] = [value]
    for _ in range(_DEEPEST):
        parts = (part.values() if isinstance(part, Mapping) else part for part in level)
        level = [each for part in parts if not isinstance(part, str) and isinstance(part, Iterable) for each in part]
        if not level:
            return
    raise ValueError(f"{name} is nested more than {_DEEPEST} levels deep")


def require_plain(messages: Sequence[Message], tools: Sequence[Tool] = ()) -> None:
    """Raise ValueError if a conversation is more than what its speakers say: the plain form of text would lose it."""
    for message in messages:
        if message.role == "tool" or message.calls_and_reasoning:
            what = next(iter(message.calls_and_reasoning), "the role tool")
            raise ValueError(f"a message has {what}, which text has no form for: read it as form='chat'")
    if tools:
        raise ValueError("the row has tools, which text has no form for: read it as form='chat'")


def ending_with_answer(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Return a conversation without questions and tools' results at its end, in which words of the assistant before the
    first question are context, which is not learned."""
    kept = list(messages)
    while kept[-1].role in ("user", "tool") and any(message.role == "assistant" for message in kept):
        kept.pop()
    first = 1 if kept and kept[0].role == "system" else 0
    if len(kept) > first + 1 and kept[first].role == "assistant":
        kept[first] = replace(kept[first], weight=0.0)
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

    None if turns of the user and the assistant alternate after at most one system message, and none is empty. Results
    of tools may stand before a turn of the assistant instead of the user's. The first turn is the user's; in an
    answered conversation it may be the assistant's, before the user's.

    Args:
        messages: the conversation. Faults name turns by their number from 1, which counts the system message.
        answered: whether the last turn should be the assistant's; otherwise it should be the user's, or a tool's.
    """
    turns = [(number, message) for number, message in enumerate(messages, 1) if number > 1 or message.role != "system"]
    if not turns:
        return "the conversation has no turns"
    if answered and all(message.role != "assistant" for _, message in turns):
        return "the conversation has no turn of the assistant"
    welcomed = answered and len(turns) > 1 and turns[0][1].role == "assistant"
    expected: tuple[str, ...] = ("assistant",) if welcomed else ("user",)
    for number, message in turns:
        if message.role == "system":
            return "a system message is not the first message"
        if message.role not in expected:
            return f"roles are out of order: turn {number} should be the {expected[0]}'s"
        if not message.calls_tools and message.role != "tool" and (not message.content or message.content.isspace()):
            return f"turn {number}, the {message.role}'s, is empty"
        expected = _NEXT[message.role]
    if (turns[-1][1].role == "assistant") != answered:
        return f"the last turn is not the {'assistant' if answered else 'user'}'s"
    return None


_NEXT = {"user": ("assistant",), "assistant": ("user", "tool"), "tool": ("assistant", "tool")}
"""Role -> roles that may follow it."""


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
