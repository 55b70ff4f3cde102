"""Prompts of files as ids."""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Conversation, Document, Malformed, Message
from tanuki_jax.inference.chat_prompts import ChatPrompts
from tanuki_jax.inference.load_model import LoadedModel
from tanuki_jax.inference.prompts import PromptRow
from tanuki_jax.inference.text import check_prompt, encode_text


class EncodedPrompt(NamedTuple):
    """A text to continue or a conversation to answer, as ids."""

    record: Document | Conversation
    ids: list[int]
    answer_prefix: str
    """Text that the model generates before the answer proper; not part of the completion."""


class RejectedPrompt(NamedTuple):
    """A row that is malformed or too long."""

    location: str
    reason: str


def encode_prompts(
    loaded: LoadedModel, rows: Iterable[PromptRow], system: str
) -> tuple[list[EncodedPrompt], list[RejectedPrompt]]:
    """Return the prompts that can be completed, and those that are malformed or too long.

    Args:
        loaded: the model.
        rows: prompts.
        system: system message for conversations without one; empty: the template's default, if it has one.

    Raises:
        InputError: there is a conversation, and no chat template beside the tokenizer.
    """
    prompts: list[EncodedPrompt] = []
    rejected: list[RejectedPrompt] = []
    chats: ChatPrompts | None = None
    for location, record in rows:
        if isinstance(record, Conversation):
            chats = chats or ChatPrompts(loaded)
            if system and record.messages[0].role != "system":
                record = replace(record, messages=(Message("system", system), *record.messages))
        try:
            prompts.append(_encode(loaded, record, chats))
        except InputError as error:
            rejected.append(RejectedPrompt(location, str(error)))
    return prompts, rejected


def _encode(
    loaded: LoadedModel, record: Document | Conversation | Malformed, chats: ChatPrompts | None
) -> EncodedPrompt:
    """Raise InputError with the reason if the record cannot be completed."""
    match record:
        case Document():
            prompt = EncodedPrompt(record, encode_text(loaded, record.text), "")
        case Conversation():
            assert chats is not None
            ids = chats.ids(record.messages, record.tools)
            prompt = EncodedPrompt(record, ids, chats.answer_prefix)
        case Malformed(reason):
            raise InputError(reason)
    check_prompt(loaded, prompt.ids)
    return prompt
