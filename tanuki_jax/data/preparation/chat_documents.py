"""Conversations and preferences as documents of which a part is learned."""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.chat.pretraining import as_text
from tanuki_jax.corpus.chat.template import Template
from tanuki_jax.corpus.chat.truncation import truncated
from tanuki_jax.corpus.records.read import Malformed
from tanuki_jax.corpus.records.types import Conversation, Message, Preference
from tanuki_jax.data.preparation.work_units import Row
from tanuki_jax.data.tokenizer.chat_tokens import EncodedChat, encode_chat, encode_chats, require_encoded
from tanuki_jax.data.tokenizer.load import Tokenizer

DOCUMENTS: dict[str, int] = {"chat": 1, "preference": 2, "kto": 3}
"""Of each record: the conversation; the chosen answer and the rejected one; these and the answer to another prompt."""

BATCH_CHARACTERS = 1 << 15
"""Characters that are encoded at a time: many chats, and few objects alive."""

type _Encode = Callable[[Sequence[Message]], EncodedChat]


@dataclasses.dataclass(frozen=True)
class Rendering:
    """What determines the documents of conversations and preferences beside the tokenizer."""

    form: Literal["chat", "preference", "kto"]
    template: Template
    sequence_length: int
    """T. Records are not cut, so what takes more than T places does not become documents."""

    @property
    def documents(self) -> int:
        """How many documents a record becomes."""
        return DOCUMENTS[self.form]

    @property
    def settings(self) -> dict[str, Any]:
        """As a store keeps it."""
        return {"form": self.form, "template": self.template.fingerprint, "sequence_length": self.sequence_length}


class Example(NamedTuple):
    """The documents of one record."""

    row: Row
    documents: tuple[EncodedChat, ...]
    texts: tuple[str, ...]
    """Of each document, as it would be read in pretraining."""
    hashed: str
    """The text whose hash says on which side of the held-out split the record is."""
    shortened: str
    """How much is left of it, if it was too long; else empty."""


class Refused(NamedTuple):
    """A row that becomes no document."""

    row: Row
    kind: Literal["malformed", "dropped"]
    """Dropped are those that are too long."""
    reason: str


def examples(rows: Iterable[Row], tokenizer: Tokenizer, rendering: Rendering) -> Iterator[Example | Refused]:
    """What becomes of the rows of a unit, in their order, but for refused ones, which may come earlier.

    In the form "kto" each record gets the chosen answer of the record before it, the first record that of the second.
    """
    kto = rendering.form == "kto"
    asked = (
        _asked(row, answer, kto)
        for row, answer in (_with_another_answer(rows) if kto else ((row, None) for row in rows))
    )
    for batch in _batches(asked):
        encoded = iter(encode_chats(tokenizer, rendering.template, (chat for each in batch for chat in each.chats)))
        for each in batch:
            try:
                yield _example(each, [require_encoded(next(encoded)) for _ in each.chats], tokenizer, rendering)
            except InputError as error:
                yield Refused(each.row, "malformed", str(error))


class _Asked(NamedTuple):
    """The chats of a row, to be encoded."""

    row: Row
    chats: tuple[tuple[Message, ...], ...] = ()
    malformed: str = ""
    """Why there is none."""


def _asked(row: Row, answer: str | None, kto: bool) -> _Asked:
    record = row.record
    if isinstance(record, Conversation):
        return _Asked(row, (record.messages,))
    if isinstance(record, Preference):
        if kto and answer is None:
            return _Asked(
                row, malformed="there is no other record in its part of the file whose answer could be another prompt's"
            )
        answers = (record.chosen, record.rejected) if answer is None else (record.chosen, record.rejected, answer)
        return _Asked(row, tuple((*record.prompt, Message("assistant", said)) for said in answers))
    assert isinstance(record, Malformed)
    return _Asked(row, malformed=record.reason)


def _batches(asked: Iterable[_Asked]) -> Iterator[list[_Asked]]:
    """About BATCH_CHARACTERS at a time."""
    batch: list[_Asked] = []
    characters = 0
    for each in asked:
        batch.append(each)
        characters += 1 + sum(len(message.content) for chat in each.chats for message in chat)
        if characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _example(
    asked: _Asked, documents: Sequence[EncodedChat], tokenizer: Tokenizer, rendering: Rendering
) -> Example | Refused:
    if asked.malformed:
        raise InputError(asked.malformed)
    if rendering.form == "chat":
        return _chat(
            asked.row,
            documents[0],
            functools.partial(encode_chat, tokenizer, rendering.template),
            rendering.sequence_length,
        )
    return _preference(asked.row, asked.chats, documents, rendering.sequence_length)


def _with_another_answer(rows: Iterable[Row]) -> Iterator[tuple[Row, str | None]]:
    """Rows, each with the chosen answer of the preference before it; None where there is no other."""
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


def _chat(row: Row, encoded: EncodedChat, encode: _Encode, sequence_length: int) -> Example | Refused:
    def fits(messages: Sequence[Message]) -> bool:
        return len(encode(messages).ids) <= sequence_length + 1

    record = row.record
    assert isinstance(record, Conversation)
    messages, shortened = record.messages, ""
    if len(encoded.ids) > sequence_length + 1:
        too_long = f"{len(encoded.ids):,} tokens are more than data.sequence_length + 1 = {sequence_length + 1:,}"
        shorter = truncated(messages, fits, keep="beginning")
        if shorter is None:
            return Refused(row, "dropped", f"{too_long}, and not even the first exchange has so few")
        shortened = f"{too_long}: the first {len(shorter)} of {len(messages)} messages are kept"
        messages, encoded = shorter, encode(shorter)
    _require_learned(encoded)
    text = as_text(dataclasses.replace(record, messages=tuple(messages)))
    return Example(row, (encoded,), (text,), text, shortened)


def _preference(
    row: Row, chats: Sequence[tuple[Message, ...]], encoded: Sequence[EncodedChat], sequence_length: int
) -> Example | Refused:
    record = row.record
    assert isinstance(record, Preference)
    documents = tuple(map(_last_answer_learned, encoded))
    for document in documents:
        _require_learned(document)
    if np.array_equal(documents[0].ids, documents[1].ids):
        raise InputError("the chosen and the rejected answer are the same tokens")
    places = sum(len(document.ids) - 1 for document in documents)
    if places > sequence_length:
        return Refused(
            row,
            "dropped",
            f"its answers with their prompts take {places:,} places, and data.sequence_length is {sequence_length:,}",
        )
    texts = tuple(as_text(Conversation(record.id, messages)) for messages in chats)
    return Example(row, documents, texts, as_text(Conversation(record.id, record.prompt)), "")


def _last_answer_learned(encoded: EncodedChat) -> EncodedChat:
    """The same with nothing learned before the last stretch that is: answers in a prompt are no part of the preference."""
    learned = encoded.learned.copy()
    last = int(np.flatnonzero(learned)[-1]) + 1 if learned.any() else 0
    not_learned = np.flatnonzero(~learned[:last])
    if len(not_learned):
        learned[: not_learned[-1]] = False
    return dataclasses.replace(encoded, learned=learned)


def _require_learned(encoded: EncodedChat) -> None:
    """InputError if no target is learned; the first token is never one."""
    if not encoded.learned[1:].any():
        raise InputError("nothing of it is learned")
