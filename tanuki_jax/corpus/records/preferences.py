"""Preferences, in the forms that data sets have them."""

from collections.abc import Mapping

from tanuki_jax.corpus.records.turns import (
    INSTRUCTION,
    TURNS,
    check,
    fields_with_values,
    instruction_of,
    kind,
    message_of,
    messages_of,
    with_system,
)
from tanuki_jax.corpus.records.types import Message

type Answer = str | tuple[Message, ...]
_ANSWERS = ("chosen", "rejected")
FIELDS = frozenset({*_ANSWERS, "prompt", *TURNS, *INSTRUCTION})
"""What a preference may be made of."""


def pair_of(fields: Mapping[str, object]) -> tuple[tuple[Message, ...], str, str]:
    """Prompt, chosen and rejected answer of a row. ValueError says in a few words what is wrong.

    The prompt is a text or a list of messages in `prompt`, messages in `messages` or `conversations`, or Alpaca's instruction. An answer
    is a text, a message, or a list of one message, or of all messages, the prompt's first (then no field need have the prompt).
    """
    chosen, rejected = (_answer_of(fields, field) for field in _ANSWERS)
    prompt = _common_beginning(fields, chosen, rejected) or _prompt_of(fields)
    if prompt is None:
        raise ValueError(f"no prompt among {fields_with_values(fields)}")
    if wrong := check(prompt, answered=False):
        raise ValueError(f"the prompt: {wrong}")
    better, worse = _last(chosen, "chosen"), _last(rejected, "rejected")
    if better == worse:
        raise ValueError("chosen equals rejected")
    return prompt, better, worse


def _answer_of(fields: Mapping[str, object], field: str) -> Answer:
    match fields.get(field):
        case None:
            raise ValueError(f"no {field} answer among {fields_with_values(fields)}")
        case str(text):
            return text
        case dict(message):
            return (message_of(message),)
        case [_, *_] as turns:
            return messages_of(turns)
        case other:
            raise ValueError(f"the {field} answer is neither text nor messages but {kind(other)}")


def _common_beginning(fields: Mapping[str, object], *answers: Answer) -> tuple[Message, ...]:
    """The prompt, where the answers are whole conversations; else empty."""
    beginnings = [answer[:-1] for answer in answers if not isinstance(answer, str) and len(answer) > 1]
    if not beginnings:
        return ()
    if beginnings[0] != beginnings[-1]:
        raise ValueError("chosen and rejected do not begin with the same prompt")
    whole, prompt = with_system(fields, beginnings[0]), _own_prompt(fields)
    if prompt is not None and prompt not in (whole, _without_system(whole)):
        raise ValueError("the prompt is not what chosen and rejected begin with")
    return whole


def _prompt_of(fields: Mapping[str, object]) -> tuple[Message, ...] | None:
    prompt = _own_prompt(fields)
    if prompt is not None:
        return prompt
    for turns in (fields.get(field) for field in TURNS):
        if isinstance(turns, list):
            return with_system(fields, messages_of(turns))
    return instruction_of(fields)


def _own_prompt(fields: Mapping[str, object]) -> tuple[Message, ...] | None:
    """The turns in the field `prompt`."""
    match fields.get("prompt"):
        case None:
            return None
        case str(text):
            return with_system(fields, (Message("user", text),))
        case list(turns):
            return with_system(fields, messages_of(turns))
        case other:
            raise ValueError(f"the prompt is neither text nor messages but {kind(other)}")


def _last(answer: Answer, field: str) -> str:
    """The text of an answer whose prompt has been taken off."""
    if not isinstance(answer, str):
        if answer[-1].role != "assistant":
            raise ValueError(f"the {field} answer is not the assistant's")
        answer = answer[-1].content
    if not answer or answer.isspace():
        raise ValueError(f"the {field} answer is empty")
    return answer


def _without_system(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    return messages[1:] if messages[0].role == "system" else messages
