"""Turn conversations, preferences and rated answers into documents with a weight for each token."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Learn
from tanuki_jax.config.mixture import ChatForm, TooLong
from tanuki_jax.corpus.chat.pretraining import as_text_or_json
from tanuki_jax.corpus.chat.template import Template
from tanuki_jax.corpus.chat.truncation import truncated
from tanuki_jax.corpus.records.types import Chat, Conversation, Malformed, Message, Preference, Rating, Unused
from tanuki_jax.data.preparation.work_units import Row
from tanuki_jax.data.store import recorded
from tanuki_jax.data.tokenizer.chat_tokens import EncodedChat, encode_chats, require_encoded
from tanuki_jax.data.tokenizer.load import Tokenizer

DOCUMENTS_PER_RECORD: dict[ChatForm, int] = {"chat": 1, "preference": 2, "kto": 3}
"""1: the conversation; 2: the chosen and the rejected answer; 3: the good, the bad and another prompt's answer."""

BATCH_CHARACTERS = 1 << 15
"""Characters that are encoded at a time: enough chats for few calls of the tokenizer, and few objects in memory."""

_TOO_LONG: dict[ChatForm, TooLong] = {"chat": "exchanges", "preference": "drop", "kto": "drop"}
"""Form -> what happens to a record that is too long, if its source does not say."""


@dataclasses.dataclass(frozen=True)
class Rendering:
    """Settings that determine the documents of conversations and preferences, besides the tokenizer."""

    form: ChatForm
    template: Template
    sequence_length: int
    """T. The documents of a record take at most T positions of a row."""
    learn: Learn = "all"
    too_long: TooLong = "by_form"
    """Treatment of a record that is too long."""

    @property
    def documents_per_record(self) -> int:
        """Return the number of documents that a record becomes."""
        return DOCUMENTS_PER_RECORD[self.form]

    @property
    def settings(self) -> dict[str, Any]:
        """Return the settings as a store records them."""
        settings = {"form": self.form, "template": self.template.fingerprint, "sequence_length": self.sequence_length}
        learn = self.learn if self.form == "chat" else "all"
        return recorded({**settings, "learn": learn, "too_long": self.too_long})

    def learned(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Return a conversation in which only the answers that are to be learned have a weight."""
        return _last_learned(messages) if self.learn == "last" else messages


class Example(NamedTuple):
    """Documents of one record."""

    row: Row
    documents: tuple[EncodedChat, ...]
    texts: tuple[str, ...]
    """Text of each document, as pretraining would read it."""
    hashed: str
    """Text whose hash decides whether the record is held out."""
    shortened: str
    """Sentence that says what is kept, if the record was too long; else empty."""


class Refusal(NamedTuple):
    """Row that becomes no document, and the reason."""

    row: Row
    kind: Literal["malformed", "dropped", "unused"]
    """Fault of the row; a record that is too long is dropped, one that teaches nothing unused."""
    reason: str


def examples(rows: Iterable[Row], tokenizer: Tokenizer, rendering: Rendering) -> Iterator[Example | Refusal]:
    """Render and encode the rows of a unit. The examples are in the order of the rows; a refusal may be earlier.

    In the form "kto" each record gets the answer (of a pair the chosen one) of the last record before it that has
    another prompt; the first ones get that of the first record after them that has. A rated answer becomes the first or
    the second document of its record, and the other one is a token without a target.
    """
    kto = rendering.form == "kto"
    with_answers = _with_another_answer(rows) if kto else ((row, None) for row in rows)
    for batch in _batches(_chats_to_encode(row, answer, rendering) for row, answer in with_answers):
        chats = (chat for each in batch for chat in each.chats if chat is not None)
        encoded = iter(encode_chats(tokenizer, rendering.template, chats))
        for each in batch:
            ours = [None if chat is None else next(encoded) for chat in each.chats]
            try:
                yield each.refusal or _Record(each, tokenizer, rendering).example(ours)
            except InputError as error:
                yield Refusal(each.row, "malformed", str(error))


class _ChatsToEncode(NamedTuple):
    """Conversations of a row, one for each document."""

    row: Row
    chats: tuple[Chat | None, ...] = ()
    """None stands for an answer that a rated record does not have."""
    refusal: Refusal | None = None
    """Reason why there are none."""


def _chats_to_encode(row: Row, answer: str | None, rendering: Rendering) -> _ChatsToEncode:
    record = row.record
    if isinstance(record, Conversation):
        chat = Chat(rendering.learned(record.messages), record.tools)
        if not any(message.learned for message in chat.messages if message.role == "assistant"):
            return _ChatsToEncode(row, refusal=Refusal(row, "unused", "its last answer is not to be learned"))
        return _ChatsToEncode(row, (chat,))
    if isinstance(record, Preference | Rating):
        kto = rendering.form == "kto"
        if kto and answer is None:
            reason = "no record with another prompt is in its part of the file, whose answer could be compared"
            return _ChatsToEncode(row, refusal=Refusal(row, "malformed", reason))
        answers = (*_answers_of(record), *([answer] if kto else []))
        return _ChatsToEncode(row, tuple(_answered(record, content) for content in answers))
    assert isinstance(record, Malformed | Unused)
    kind: Literal["malformed", "unused"] = "malformed" if isinstance(record, Malformed) else "unused"
    return _ChatsToEncode(row, refusal=Refusal(row, kind, record.reason))


def _answers_of(record: Preference | Rating) -> tuple[str | None, str | None]:
    """Return the good answer and the bad one."""
    if isinstance(record, Preference):
        return record.chosen, record.rejected
    return (record.answer, None) if record.good else (None, record.answer)


def _answered(record: Preference | Rating, answer: str | None) -> Chat | None:
    return None if answer is None else Chat((*record.prompt, Message("assistant", answer)), record.tools)


def _last_learned(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Return a conversation of whose answers only the last one is learned."""
    last = max(number for number, message in enumerate(messages) if message.role == "assistant")
    return tuple(
        message if message.role != "assistant" or number == last else dataclasses.replace(message, weight=0.0)
        for number, message in enumerate(messages)
    )


def _batches(chats: Iterable[_ChatsToEncode]) -> Iterator[list[_ChatsToEncode]]:
    """Yield rows in batches of about BATCH_CHARACTERS."""
    batch: list[_ChatsToEncode] = []
    characters = 0
    for each in chats:
        batch.append(each)
        messages = (message for chat in each.chats if chat is not None for message in chat.messages)
        characters += 1 + sum(len(message.content) for message in messages)
        if characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _with_another_answer(rows: Iterable[Row]) -> Iterator[tuple[Row, str | None]]:
    """Yield each row with the answer of the last record before it that has another prompt; None where none has."""
    # The first records have none before them. They are held back until one with another prompt is read, and get its
    # answer.
    waiting: list[Row] = []
    last: Row | None = None
    other: str | None = None  # the answer of the last record whose prompt is not that of `last`
    for row in rows:
        if not isinstance(row.record, Preference | Rating):
            yield row, None
            continue
        if last is not None and _prompt(last) != _prompt(row):
            other = _one_answer(last)
            yield from ((early, _one_answer(row)) for early in waiting)
            waiting = []
        last = row
        if other is None:
            waiting.append(row)
        else:
            yield row, other
    yield from ((row, None) for row in waiting)


def _prompt(row: Row) -> tuple[Message, ...]:
    assert isinstance(row.record, Preference | Rating)
    return row.record.prompt


def _one_answer(row: Row) -> str:
    assert isinstance(row.record, Preference | Rating)
    return row.record.answer if isinstance(row.record, Rating) else row.record.chosen


@dataclasses.dataclass(frozen=True)
class _Record:
    """Conversations of a row on their way to an example."""

    source: _ChatsToEncode
    tokenizer: Tokenizer
    rendering: Rendering

    def example(self, encoded: Sequence[EncodedChat | InputError | None]) -> Example | Refusal:
        """Return the documents, shortened if they are too long. InputError: the template refuses the conversation."""
        chats: Sequence[Chat | None] = self.source.chats
        documents = self._documents(encoded)
        too_long, shortened = self._too_long(documents), ""
        if too_long:
            shorter = self._shorter(documents)
            if shorter is None:
                return Refusal(self.source.row, "dropped", too_long + self._way_out())
            chats, documents, kept = shorter
            shortened = f"{too_long}: {kept}"
        for chat, document in zip(chats, documents, strict=True):
            if chat is not None:
                _require_learned(document)
        record = self.source.row.record
        if isinstance(record, Preference) and np.array_equal(documents[0].ids, documents[1].ids):
            return Refusal(self.source.row, "unused", "the chosen and the rejected answer are the same tokens")
        texts = tuple("" if chat is None else as_text_or_json(chat) for chat in chats)
        hashed = (
            as_text_or_json(Chat(record.prompt, record.tools)) if isinstance(record, Preference | Rating) else texts[0]
        )
        if too_long and self._how == "truncate":
            texts = tuple(text and self.tokenizer.decode(each.ids) for text, each in zip(texts, documents, strict=True))
        return Example(self.source.row, documents, texts, hashed, shortened)

    def _documents(self, encoded: Sequence[EncodedChat | InputError | None]) -> tuple[EncodedChat, ...]:
        absent = EncodedChat(np.array([self.tokenizer.eod], np.int32), np.zeros(1, np.float32))
        documents = (absent if each is None else require_encoded(each) for each in encoded)
        return tuple(documents) if self._chat else tuple(map(_last_answer_learned, documents))

    def _encode(self, chats: Sequence[Chat | None]) -> tuple[EncodedChat, ...]:
        encoded = iter(encode_chats(self.tokenizer, self.rendering.template, [chat for chat in chats if chat]))
        return self._documents([chat and next(encoded) for chat in chats])

    @property
    def _chat(self) -> bool:
        return self.rendering.form == "chat"

    def _too_long(self, documents: Sequence[EncodedChat]) -> str:
        """Say by how much the documents are too long for a row; empty: they fit."""
        length, positions = self.rendering.sequence_length, sum(len(document.ids) - 1 for document in documents)
        if positions <= length:
            return ""
        if self._chat:
            return f"{positions + 1:,} tokens are more than data.sequence_length + 1 = {length + 1:,}"
        return (
            f"its answers with their prompts take {positions:,} positions of a row, and data.sequence_length is "
            f"{length:,}"
        )

    def _way_out(self) -> str:
        match self._how:
            case "drop":
                return "; too_long of the source can be 'exchanges' or 'truncate'"
            case "exchanges":
                which = "first exchange, or its learned answer," if self._chat else "last exchange"
                return f", and its {which} does not fit either; too_long of the source can be 'truncate'"
            case _:
                return ", and no learned token would be left of them"

    @property
    def _how(self) -> TooLong:
        how = self.rendering.too_long
        return _TOO_LONG[self.rendering.form] if how == "by_form" else how

    def _shorter(
        self, documents: Sequence[EncodedChat]
    ) -> tuple[Sequence[Chat | None], tuple[EncodedChat, ...], str] | None:
        """Return conversations and documents that fit, and what is left of them; None if nothing can be left."""
        if self._how == "drop":
            return None
        if self._how == "truncate":
            return self._truncated(documents)
        # A chat loses its last exchanges: the tokens that stay have all that was said before them. A prompt loses its
        # first ones, since the answers belong to its end.
        record = self.source.row.record
        assert isinstance(record, Conversation | Preference | Rating)
        messages = record.messages if isinstance(record, Conversation) else record.prompt
        shorter = truncated(
            messages,
            lambda part: not self._too_long(self._encode(self._with(part))),
            keep="beginning" if self._chat else "end",
        )
        if shorter is None:
            return None
        chats, which = self._with(shorter), "first" if self._chat else "last"
        documents = self._encode(chats)
        if self._chat and not documents[0].learned[1:].any():
            return None
        of = "messages" if self._chat else "messages of the prompt"
        return chats, documents, f"the {which} {len(shorter)} of {len(messages)} {of} are kept"

    def _with(self, messages: Sequence[Message]) -> list[Chat | None]:
        """Return the conversations of the record with these messages instead of its own, or of its prompt."""
        if self._chat:
            return [chat and Chat(self.rendering.learned(messages), chat.tools) for chat in self.source.chats]
        return [chat and Chat((*messages, chat.messages[-1]), chat.tools) for chat in self.source.chats]

    def _truncated(
        self, documents: Sequence[EncodedChat]
    ) -> tuple[Sequence[Chat | None], tuple[EncodedChat, ...], str] | None:
        """Cut the longest documents at one length, such that all fit."""
        lengths, room = np.array([len(document.ids) - 1 for document in documents]), self.rendering.sequence_length
        fitting = (kept for kept in range(int(lengths.max()), 0, -1) if np.minimum(lengths, kept).sum() <= room)
        kept = next(fitting, 0)
        cut = tuple(
            EncodedChat(document.ids[: kept + 1], document.weights[: kept + 1]) if len(document.ids) > 1 else document
            for document in documents
        )
        if not all(document.learned[1:].any() for document in cut if len(document.ids) > 1) or not kept:
            return None
        return self.source.chats, cut, f"the first {kept + 1:,} tokens are kept"


def _last_answer_learned(encoded: EncodedChat) -> EncodedChat:
    """Keep only the weights of the last learned span: answers in the prompt are not part of the preference."""
    weights, learned = encoded.weights.copy(), encoded.learned
    last = int(np.flatnonzero(learned)[-1]) + 1 if learned.any() else 0
    not_learned = np.flatnonzero(~learned[:last])
    if len(not_learned):
        weights[: not_learned[-1]] = 0
    return dataclasses.replace(encoded, weights=weights)


def _require_learned(encoded: EncodedChat) -> None:
    """Raise InputError if no target is learned; the first token is never a target."""
    if not encoded.learned[1:].any():
        raise InputError("no token of it is learned")
