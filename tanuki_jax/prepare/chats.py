"""Conversations and preferences as documents of which a part is learned."""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from tanuki_jax.chat.pretraining import as_text
from tanuki_jax.chat.template import Template
from tanuki_jax.chat.turns import truncated
from tanuki_jax.data.tokenizer.chat import Encoded, encode_chat
from tanuki_jax.data.tokenizer.load import Tokenizer
from tanuki_jax.errors import InputError
from tanuki_jax.prepare.units import Row
from tanuki_jax.records.read import Malformed
from tanuki_jax.records.types import Conversation, Message, Preference

DOCUMENTS: dict[str, int] = {"chat": 1, "preference": 2, "kto": 3}
"""Of each record: the conversation; the chosen answer and the rejected one; these and the answer to another prompt."""

type _Encode = Callable[[Sequence[Message]], Encoded]


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
    documents: tuple[Encoded, ...]
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
    encode = functools.partial(encode_chat, tokenizer, rendering.template)
    for row, answer in _with_another_answer(rows) if rendering.form == "kto" else ((row, "") for row in rows):
        record = row.record
        try:
            if isinstance(record, Conversation):
                yield _chat(row, record, encode, rendering.sequence_length)
            elif isinstance(record, Preference):
                if answer is None:
                    raise InputError("there is no other record in its part of the file whose answer could be another prompt's")
                yield _preference(row, record, (answer,) if rendering.form == "kto" else (), encode, rendering.sequence_length)
            else:
                assert isinstance(record, Malformed)
                yield Refused(row, "malformed", record.reason)
        except InputError as error:
            yield Refused(row, "malformed", str(error))


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


def _chat(row: Row, record: Conversation, encode: _Encode, sequence_length: int) -> Example | Refused:
    def fits(messages: Sequence[Message]) -> bool:
        return len(encode(messages).ids) <= sequence_length + 1

    messages, encoded, shortened = record.messages, encode(record.messages), ""
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


def _preference(row: Row, record: Preference, others: Sequence[str], encode: _Encode, sequence_length: int) -> Example | Refused:
    chats = [(*record.prompt, Message("assistant", answer)) for answer in (record.chosen, record.rejected, *others)]
    documents = tuple(_last_answer_learned(encode(messages)) for messages in chats)
    for document in documents:
        _require_learned(document)
    if np.array_equal(documents[0].ids, documents[1].ids):
        raise InputError("the chosen and the rejected answer are the same tokens")
    places = sum(len(document.ids) - 1 for document in documents)
    if places > sequence_length:
        return Refused(
            row, "dropped", f"its answers with their prompts take {places:,} places, and data.sequence_length is {sequence_length:,}"
        )
    texts = tuple(as_text(Conversation(record.id, messages)) for messages in chats)
    return Example(row, documents, texts, as_text(Conversation(record.id, record.prompt)), "")


def _last_answer_learned(encoded: Encoded) -> Encoded:
    """The same with nothing learned before the last stretch that is: answers in a prompt are no part of the preference."""
    learned = encoded.learned.copy()
    last = int(np.flatnonzero(learned)[-1]) + 1 if learned.any() else 0
    not_learned = np.flatnonzero(~learned[:last])
    if len(not_learned):
        learned[: not_learned[-1]] = False
    return dataclasses.replace(encoded, learned=learned)


def _require_learned(encoded: Encoded) -> None:
    """InputError if no target is learned; the first token is never one."""
    if not encoded.learned[1:].any():
        raise InputError("nothing of it is learned")
