"""Turn conversations and preferences into documents with a mask of learned tokens."""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.mixture import ChatForm
from tanuki_jax.corpus.chat.pretraining import as_text
from tanuki_jax.corpus.chat.template import Template
from tanuki_jax.corpus.chat.truncation import truncated
from tanuki_jax.corpus.records.types import Conversation, Malformed, Message, Preference, Unused
from tanuki_jax.data.preparation.work_units import Row
from tanuki_jax.data.tokenizer.chat_tokens import EncodedChat, encode_chat, encode_chats, require_encoded
from tanuki_jax.data.tokenizer.load import Tokenizer

DOCUMENTS_PER_RECORD: dict[ChatForm, int] = {"chat": 1, "preference": 2, "kto": 3}
"""1: the conversation; 2: the chosen and the rejected answer; 3: these and the answer to another prompt."""

BATCH_CHARACTERS = 1 << 15
"""Characters that are encoded at a time: enough chats for few calls of the tokenizer, and few objects in memory."""

type _Encode = Callable[[Sequence[Message]], EncodedChat]


@dataclasses.dataclass(frozen=True)
class Rendering:
    """Settings that determine the documents of conversations and preferences, besides the tokenizer."""

    form: ChatForm
    template: Template
    sequence_length: int
    """T. Records are not cut, so one that takes more than T positions of a row becomes no document."""

    @property
    def documents_per_record(self) -> int:
        """Return the number of documents that a record becomes."""
        return DOCUMENTS_PER_RECORD[self.form]

    @property
    def settings(self) -> dict[str, Any]:
        """Return the settings as a store records them."""
        return {"form": self.form, "template": self.template.fingerprint, "sequence_length": self.sequence_length}


class Example(NamedTuple):
    """Documents of one record."""

    row: Row
    documents: tuple[EncodedChat, ...]
    texts: tuple[str, ...]
    """Text of each document, as pretraining would read it."""
    hashed: str
    """Text whose hash decides whether the record is held out."""
    shortened: str
    """Message with the number of messages that were kept, if the record was too long; else empty."""


class Refusal(NamedTuple):
    """Row that becomes no document, and the reason."""

    row: Row
    kind: Literal["malformed", "dropped", "unused"]
    """Fault of the row; a record that is too long is dropped, one that teaches nothing unused."""
    reason: str


def examples(rows: Iterable[Row], tokenizer: Tokenizer, rendering: Rendering) -> Iterator[Example | Refusal]:
    """Render and encode the rows of a unit. The examples are in the order of the rows; a refusal may be earlier.

    In the form "kto" each record gets the chosen answer of the record before it, and the first record that of the
    second.
    """
    kto = rendering.form == "kto"
    with_answers = _with_another_answer(rows) if kto else ((row, None) for row in rows)
    for batch in _batches(_chats_to_encode(row, answer, kto) for row, answer in with_answers):
        encoded = iter(encode_chats(tokenizer, rendering.template, (chat for each in batch for chat in each.chats)))
        for each in batch:
            try:
                yield _example(each, [require_encoded(next(encoded)) for _ in each.chats], tokenizer, rendering)
            except InputError as error:
                yield Refusal(each.row, "malformed", str(error))


class _ChatsToEncode(NamedTuple):
    """Conversations of a row, one for each document."""

    row: Row
    chats: tuple[tuple[Message, ...], ...] = ()
    refusal: Refusal | None = None
    """Reason why there are none."""


def _chats_to_encode(row: Row, answer: str | None, kto: bool) -> _ChatsToEncode:
    record = row.record
    if isinstance(record, Conversation):
        return _ChatsToEncode(row, (record.messages,))
    if isinstance(record, Preference):
        if kto and answer is None:
            reason = "there is no other record in its part of the file whose answer could be another prompt's"
            return _ChatsToEncode(row, refusal=Refusal(row, "malformed", reason))
        answers = (record.chosen, record.rejected) if answer is None else (record.chosen, record.rejected, answer)
        return _ChatsToEncode(row, tuple((*record.prompt, Message("assistant", content)) for content in answers))
    assert isinstance(record, Malformed | Unused)
    kind: Literal["malformed", "unused"] = "malformed" if isinstance(record, Malformed) else "unused"
    return _ChatsToEncode(row, refusal=Refusal(row, kind, record.reason))


def _batches(chats: Iterable[_ChatsToEncode]) -> Iterator[list[_ChatsToEncode]]:
    """Yield rows in batches of about BATCH_CHARACTERS."""
    batch: list[_ChatsToEncode] = []
    characters = 0
    for each in chats:
        batch.append(each)
        characters += 1 + sum(len(message.content) for chat in each.chats for message in chat)
        if characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _example(
    source: _ChatsToEncode, documents: Sequence[EncodedChat], tokenizer: Tokenizer, rendering: Rendering
) -> Example | Refusal:
    if source.refusal:
        return source.refusal
    if rendering.form == "chat":
        encode = functools.partial(encode_chat, tokenizer, rendering.template)
        return _chat_example(source.row, documents[0], encode, rendering.sequence_length)
    return _preference_example(source.row, source.chats, documents, rendering.sequence_length)


def _with_another_answer(rows: Iterable[Row]) -> Iterator[tuple[Row, str | None]]:
    """Yield each row with the chosen answer of the preference before it; None where there is no other preference."""
    # The first preference has none before it. It is held back until the second one is read, and gets that one's answer.
    first: Row | None = None
    before: str | None = None
    for row in rows:
        if not isinstance(row.record, Preference):
            yield row, None
        elif first is None:
            first = row
        else:
            if before is None:
                yield first, row.record.chosen
            yield row, _chosen(first) if before is None else before
            before = row.record.chosen
    if first is not None and before is None:
        yield first, None


def _chosen(row: Row) -> str:
    assert isinstance(row.record, Preference)
    return row.record.chosen


def _chat_example(row: Row, encoded: EncodedChat, encode: _Encode, sequence_length: int) -> Example | Refusal:
    """Return the document of a conversation, without its last exchanges if it is too long."""

    def fits(messages: Sequence[Message]) -> bool:
        return len(encode(messages).ids) <= sequence_length + 1

    record = row.record
    assert isinstance(record, Conversation)
    messages, shortened = record.messages, ""
    if len(encoded.ids) > sequence_length + 1:
        too_long = f"{len(encoded.ids):,} tokens are more than data.sequence_length + 1 = {sequence_length + 1:,}"
        shorter = truncated(messages, fits, keep="beginning")
        if shorter is None:
            return Refusal(row, "dropped", f"{too_long}, and so are those of the first exchange")
        shortened = f"{too_long}: the first {len(shorter)} of {len(messages)} messages are kept"
        messages, encoded = shorter, encode(shorter)
    _require_learned(encoded)
    text = as_text(dataclasses.replace(record, messages=tuple(messages)))
    return Example(row, (encoded,), (text,), text, shortened)


def _preference_example(
    row: Row, chats: Sequence[tuple[Message, ...]], encoded: Sequence[EncodedChat], sequence_length: int
) -> Example | Refusal:
    """Return the documents of a preference, of which only the last answers are learned."""
    record = row.record
    assert isinstance(record, Preference)
    documents = tuple(map(_last_answer_learned, encoded))
    for document in documents:
        _require_learned(document)
    if np.array_equal(documents[0].ids, documents[1].ids):
        return Refusal(row, "unused", "the chosen and the rejected answer are the same tokens")
    positions = sum(len(document.ids) - 1 for document in documents)
    if positions > sequence_length:
        reason = (
            f"its answers with their prompts take {positions:,} positions of a row, and data.sequence_length is "
            f"{sequence_length:,}"
        )
        return Refusal(row, "dropped", reason)
    texts = tuple(as_text(Conversation(record.id, messages)) for messages in chats)
    return Example(row, documents, texts, as_text(Conversation(record.id, record.prompt)), "")


def _last_answer_learned(encoded: EncodedChat) -> EncodedChat:
    """Keep only the last learned span of the mask: answers in the prompt are not part of the preference."""
    learned = encoded.learned.copy()
    last = int(np.flatnonzero(learned)[-1]) + 1 if learned.any() else 0
    not_learned = np.flatnonzero(~learned[:last])
    if len(not_learned):
        learned[: not_learned[-1]] = False
    return dataclasses.replace(encoded, learned=learned)


def _require_learned(encoded: EncodedChat) -> None:
    """Raise InputError if no target is learned; the first token is never a target."""
    if not encoded.learned[1:].any():
        raise InputError("no token of it is learned")
