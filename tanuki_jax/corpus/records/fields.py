"""Conversion between records and the fields of a JSON line or Parquet row."""

import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from tanuki_jax.config.mixture import PAIR_FORMS, Form
from tanuki_jax.corpus.records.preferences import FIELDS, PROMPT, is_rating, pair_of, prompt_of, rating_of
from tanuki_jax.corpus.records.turns import (
    INSTRUCTED,
    INSTRUCTION,
    TURNS,
    actual_type,
    check,
    check_row,
    ending_with_answer,
    instruction_of,
    messages_of,
    names_of,
    require_plain,
    text_of,
    tools_of,
    with_system,
)
from tanuki_jax.corpus.records.types import (
    Conversation,
    Document,
    Message,
    NotRead,
    Preference,
    Rating,
    Record,
    TeachesNothing,
    Tool,
)

type RowForm = Form | Literal["prompt"]
"""Form of a source, or of prompts that a model answers: like "text", and conversations may have tools."""


def fields_of(record: Record) -> dict[str, object]:
    """Return the fields under which a record is written; `metadata` only if it has any."""
    fields: dict[str, object]
    tools: Sequence[Tool] = ()
    match record:
        case Document(id, text):
            fields = {"id": id, "text": text}
        case Conversation(id, messages, tools=tools):
            fields = {"id": id, "messages": turns_of(messages)}
        case Preference(id, prompt, chosen, rejected, tools=tools):
            fields = {"id": id, "prompt": turns_of(prompt), "chosen": chosen, "rejected": rejected}
        case Rating(id, prompt, answer, good, tools=tools):
            fields = {"id": id, "prompt": turns_of(prompt), "completion": answer, "label": good}
    fields |= {"tools": [*tools]} if tools else {}
    return fields | {"metadata": dict(record.metadata)} if record.metadata else fields


def turns_of(messages: Iterable[Message]) -> list[dict[str, object]]:
    """Return turns as a file holds them; a weight only where it is not 1."""
    return [{**message.turn, **({} if message.weight == 1 else {"weight": message.weight})} for message in messages]


def to_json(value: object) -> str:
    """Return a value as JSON. NaN and infinities, which are no JSON, become null; other things their `str`."""
    try:
        return json.dumps(value, ensure_ascii=False, default=str, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, default=str, allow_nan=False)


def _finite(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def record_of(fields: Mapping[str, object], location: str, text_field: str, form: RowForm = "text") -> Record:
    """Return the record that a row holds. ValueError says, in a few words, why it holds none.

    Its id is the row's `id` if that is a string or a whole number, else `location`. Its metadata is the object in
    `metadata`, if there is one, on top of all fields that have no other use.

    Args:
        fields: the row.
        location: the file and the position of the row in it.
        text_field: the field that holds a document's text.
        form: "text": a list in `messages` ({role, content}) or, without a text, in `conversations` ({from, value})
            makes a conversation, otherwise `text_field` is a document's text. "chat": a conversation from either list,
            from TRL's `prompt` and `completion`, from Alpaca's `instruction` and `output`, or from Dolly's
            `instruction`, `context` and `response`; with the functions in `tools`. Its turns alternate; questions at
            its end are cut. "preference": `pair_of`. "kto": the same, or a rated answer, `rating_of`.
    """
    id = fields.get("id")
    usable_id = type(id) in (str, int)
    name = str(id) if usable_id else location
    used = {"id"} if usable_id else set()
    if form in ("text", "prompt"):
        record = _document_or_conversation(fields, name, used, text_field)
        if form == "text" and isinstance(record, Conversation):
            require_plain(record.messages, record.tools)
        return record
    if form in PAIR_FORMS:
        metadata, tools = _metadata(fields, FIELDS | used), tools_of(fields)
        if not is_rating(fields):
            return Preference(name, *pair_of(fields), metadata, tools)
        if form == "kto":
            return Rating(name, *rating_of(fields), metadata, tools)
        raise ValueError("a completion without another to compare it with is a row of unpaired KTO: take form='kto'")
    check_row(fields)
    messages, parts = _chat_of(fields)
    if fault := check(messages, answered=True):
        raise ValueError(fault)
    if not any(message.learned for message in messages if message.role == "assistant"):
        raise TeachesNothing("no turn of the assistant is to be learned")
    return Conversation(name, messages, _metadata(fields, {*used, *parts, "tools"}), tools_of(fields))


def _document_or_conversation(
    fields: Mapping[str, object], name: str, used: set[str], text_field: str
) -> Document | Conversation:
    for field in TURNS:
        turns = fields.get(field)
        if isinstance(turns, list) and (field == "messages" or fields.get(text_field) is None):
            return Conversation(name, messages_of(turns), _metadata(fields, {field, "tools", *used}), tools_of(fields))
    text = fields.get(text_field)
    if text is None:
        if text_field in fields:
            raise ValueError(f"the field {text_field!r} is null")
        raise ValueError(f"no field {text_field!r} among {names_of(fields)}")
    if not isinstance(text, str):
        raise ValueError(f"the field {text_field!r} is not text but {actual_type(text)}")
    if not text or text.isspace():
        raise ValueError("the text is empty")
    return Document(name, text, _metadata(fields, {text_field, *used}))


def _chat_of(fields: Mapping[str, object]) -> tuple[tuple[Message, ...], tuple[str, ...]]:
    """Return the messages of a row, and the fields that they are made of."""
    for field in TURNS:
        turns = fields.get(field)
        if isinstance(turns, list):
            return ending_with_answer(with_system(fields, messages_of(turns))), (field, "system")
    if fields.get("completion") is not None:
        return _completed(fields), (*PROMPT, "completion")
    prompt = instruction_of(fields)
    if prompt is None:
        for field in TURNS:
            if fields.get(field) is not None:
                raise ValueError(f"the field {field!r} is not a list of messages but {actual_type(fields[field])}")
        wanted = ", ".join(map(repr, (*TURNS, "completion")))
        raise ValueError(f"no field {wanted} or 'instruction' among {names_of(fields)}")
    answer = next((field for field in INSTRUCTED if fields.get(field) is not None), INSTRUCTED[0])
    return (*prompt, Message("assistant", text_of(fields.get(answer), f"the {answer}"))), (*INSTRUCTION, answer)


def _completed(fields: Mapping[str, object]) -> tuple[Message, ...]:
    """Return the messages of TRL's form: `prompt` and `completion`, each a text or a list of messages. Only the
    completion is learned."""
    prompt, completion = prompt_of(fields), fields["completion"]
    if prompt is None:
        raise ValueError(f"no prompt among {names_of(fields)}")
    if not isinstance(completion, str | list):
        raise ValueError(f"the completion is neither text nor messages but {actual_type(completion)}")
    answer = (Message("assistant", completion),) if isinstance(completion, str) else messages_of(completion)
    return (*(replace(message, weight=0.0) if message.role == "assistant" else message for message in prompt), *answer)


def _metadata(fields: Mapping[str, object], used: Collection[str]) -> dict[str, object]:
    kept = {key: value for key, value in fields.items() if key not in used and value is not NotRead.NOT_READ}
    own = kept.pop("metadata") if isinstance(kept.get("metadata"), dict) else {}
    assert isinstance(own, dict)
    return kept | own
