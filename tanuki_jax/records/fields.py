"""From the fields of a JSON line or Parquet row to a record."""

from collections.abc import Collection, Mapping

from tanuki_jax.records.types import Conversation, Document, Message

_ROLES = {"system": "system", "user": "user", "assistant": "assistant", "human": "user", "gpt": "assistant"}


def record_of(fields: Mapping[str, object], place: str, text_field: str) -> Document | Conversation:
    """The record that a row holds. ValueError says, in a few words, why it holds none.

    A list in `messages` ({role, content}) or, where there is no text, in `conversations` ({from, value}) makes a conversation; otherwise
    `text_field` is a document's text. The id is the row's `id` if that is a string or a whole number, else `place`. Metadata is
    the object in `metadata`, if there is one, on top of all fields that have no other use.
    """
    id = fields.get("id")
    usable_id = type(id) in (str, int)
    name = str(id) if usable_id else place
    used = {"id"} if usable_id else set()
    for field in ("messages", "conversations"):
        turns = fields.get(field)
        if isinstance(turns, list) and (field == "messages" or fields.get(text_field) is None):
            return Conversation(name, _messages(turns), _metadata(fields, {field, *used}))
    text = fields.get(text_field)
    if text is None:
        raise ValueError(f"no field {text_field!r} among {', '.join(map(repr, fields)) or 'none'}")
    if not isinstance(text, str):
        raise ValueError(f"the field {text_field!r} is not text but {_kind(text)}")
    if not text or text.isspace():
        raise ValueError("the text is empty")
    return Document(name, text, _metadata(fields, {text_field, *used}))


def _metadata(fields: Mapping[str, object], used: Collection[str]) -> dict[str, object]:
    own = fields.get("metadata")
    if not isinstance(own, dict):
        return {key: value for key, value in fields.items() if key not in used}
    return {key: value for key, value in fields.items() if key not in used and key != "metadata"} | own


def _messages(turns: list[object]) -> tuple[Message, ...]:
    if not turns:
        raise ValueError("the conversation has no messages")
    messages = tuple(_message(turn) for turn in turns)
    if any(message.role == "system" for message in messages[1:]):
        raise ValueError("a system message does not stand first")
    if messages[-1].role == "system":
        raise ValueError("the conversation has only a system message")
    return messages


def _message(turn: object) -> Message:
    if not isinstance(turn, dict):
        raise ValueError(f"a message is not an object but {_kind(turn)}")
    speaker = turn.get("role", turn.get("from"))
    content = turn.get("content", turn.get("value"))
    if not isinstance(speaker, str) or speaker not in _ROLES:
        raise ValueError(f"the role {speaker!r} is none of {', '.join(_ROLES)}")
    if not isinstance(content, str):
        raise ValueError(f"a message's content is not text but {_kind(content)}")
    return Message(_ROLES[speaker], content)


def _kind(value: object) -> str:
    return "null" if value is None else f"of type {type(value).__name__}"
