"""Preferences and rated answers in the forms that data sets use."""

import re
from collections.abc import Mapping

from tanuki_jax.corpus.records.turns import (
    INSTRUCTION,
    TURNS,
    actual_type,
    check,
    instruction_of,
    message_of,
    messages_of,
    names_of,
    with_system,
)
from tanuki_jax.corpus.records.types import Message, TeachesNothing

type Answer = str | tuple[Message, ...]
_ANSWERS = ("chosen", "rejected")
PROMPT = ("prompt", *TURNS, *INSTRUCTION)
"""Fields that the prompt may be made of."""
FIELDS = frozenset({*_ANSWERS, *PROMPT, "completion", "label", "tools"})
"""Fields that a preference or a rated answer may be made of."""
_SPEAKER = re.compile(r"\n\n(Human|Assistant):")
_ROLES = {"Human": "user", "Assistant": "assistant"}


def pair_of(fields: Mapping[str, object]) -> tuple[tuple[Message, ...], str, str]:
    """Return prompt, chosen and rejected answer of a row. ValueError says in a few words what is wrong.

    The prompt is a text or a list of messages in `prompt`, messages in `messages` or `conversations`, or Alpaca's
    instruction. An answer is a text, a message, or a list of messages: the answer alone, or the prompt and the answer
    (then no field need hold the prompt). Texts may be dialogues as in Anthropic's HH, with turns after an empty line
    and `Human:` or `Assistant:`. TeachesNothing if the answers are the same.
    """
    chosen, rejected = (_answer_of(fields, field) for field in _ANSWERS)
    prompt = _checked(_common_prompt(fields, chosen, rejected) or prompt_of(fields), fields)
    better, worse = _last_text(chosen, "chosen"), _last_text(rejected, "rejected")
    if better == worse:
        raise TeachesNothing("chosen equals rejected")
    return prompt, better, worse


def is_rating(fields: Mapping[str, object]) -> bool:
    """Whether a row has one answer, with a label, and no pair."""
    return fields.get("completion") is not None and not any(fields.get(field) for field in _ANSWERS)


def rating_of(fields: Mapping[str, object]) -> tuple[tuple[Message, ...], str, bool]:
    """Return prompt, answer and whether it is good, of a row of unpaired KTO as TRL has them: `prompt`, `completion`
    and `label`, true or false.

    Prompt and completion have the forms of `pair_of`. ValueError says in a few words what is wrong.
    """
    label = fields.get("label")
    if not isinstance(label, bool | int | float) or label not in (0, 1):
        raise ValueError(f"the label of a completion must be true or false, not {label!r:.40}")
    completion = _answer_of(fields, "completion")
    prompt = _checked(_common_prompt(fields, completion) or prompt_of(fields), fields)
    return prompt, _last_text(completion, "completion"), bool(label)


def _checked(prompt: tuple[Message, ...] | None, fields: Mapping[str, object]) -> tuple[Message, ...]:
    if prompt is None:
        raise ValueError(f"no prompt among {names_of(fields)}")
    if fault := check(prompt, answered=False):
        raise ValueError(f"the prompt: {fault}")
    return prompt


def _answer_of(fields: Mapping[str, object], field: str) -> Answer:
    match fields.get(field):
        case None:
            raise ValueError(f"no {field} answer among {names_of(fields)}")
        case str(text):
            return _spoken(text) or (text.strip() if _spoken(str(fields.get("prompt"))) else text)
        case dict(message):
            return (message_of(message),)
        case [_, *_] as turns:
            return messages_of(turns)
        case other:
            raise ValueError(f"the {field} answer is neither text nor messages but {actual_type(other)}")


def _common_prompt(fields: Mapping[str, object], *answers: Answer) -> tuple[Message, ...]:
    """Return the prompt with which the answers begin; empty if they are answers alone."""
    beginnings = [answer[:-1] for answer in answers if not isinstance(answer, str) and len(answer) > 1]
    if not beginnings:
        return ()
    if beginnings[0] != beginnings[-1]:
        raise ValueError("chosen and rejected do not begin with the same prompt")
    common, prompt = with_system(fields, beginnings[0]), _prompt_field(fields)
    if prompt is not None and prompt not in (common, _without_system(common)):
        raise ValueError("the field 'prompt' differs from the prompt with which the answers begin")
    return common


def prompt_of(fields: Mapping[str, object]) -> tuple[Message, ...] | None:
    """Return the turns before an answer, from any of the fields in `PROMPT`; None if there are none."""
    prompt = _prompt_field(fields)
    if prompt is not None:
        return prompt
    for turns in (fields.get(field) for field in TURNS):
        if isinstance(turns, list):
            return with_system(fields, messages_of(turns))
    return instruction_of(fields)


def _prompt_field(fields: Mapping[str, object]) -> tuple[Message, ...] | None:
    """Return the turns in the field `prompt`."""
    match fields.get("prompt"):
        case None:
            return None
        case str(text):
            return with_system(fields, _spoken(text) or (Message("user", text),))
        case list(turns):
            return with_system(fields, messages_of(turns))
        case other:
            raise ValueError(f"the prompt is neither text nor messages but {actual_type(other)}")


def _spoken(text: str) -> tuple[Message, ...]:
    """Return the turns of a dialogue as in HH; empty: the text is none. A turn of the assistant at its end that is
    empty, because an answer is to follow, is left out."""
    first, *parts = _SPEAKER.split(text)
    if first or not parts or parts[0] != "Human":
        return ()
    turns = [Message(_ROLES[name], said.strip()) for name, said in zip(parts[::2], parts[1::2], strict=True)]
    return tuple(turns[:-1] if turns[-1] == Message("assistant", "") else turns)


def _last_text(answer: Answer, field: str) -> str:
    """Return the text of an answer, without its prompt."""
    if not isinstance(answer, str):
        if answer[-1].role != "assistant":
            raise ValueError(f"the {field} answer is not the assistant's")
        if answer[-1].calls_and_reasoning:
            raise ValueError(
                f"the {field} answer has {answer[-1].calls_and_reasoning[0]}, which only chats are read with"
            )
        answer = answer[-1].content
    if not answer or answer.isspace():
        raise ValueError(f"the {field} answer is empty")
    return answer


def _without_system(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    return messages[1:] if messages[0].role == "system" else messages
