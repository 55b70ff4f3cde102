"""Answers in conversations, by the chat template beside a model's tokenizer."""

from collections.abc import Iterator, Sequence

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.chat import template_files
from tanuki_jax.corpus.chat.truncation import truncated
from tanuki_jax.corpus.records.types import Message, Tool
from tanuki_jax.data.tokenizer.chat_tokens import before_answer, encode_chat, ends_of_turn
from tanuki_jax.inference.load_model import LoadedModel
from tanuki_jax.inference.text import Request, stream
from tanuki_jax.inference.text_deltas import Completion, TextDelta, join_deltas

CHUNK = 4
"""Tokens for one delta while a person waits for them."""


class Assistant:
    """A model that answers conversations.

    Attributes:
        answer_prefix: text that the model generates before the answer proper, such as a space; mostly empty.
    """

    def __init__(self, loaded: LoadedModel, request: Request) -> None:
        """Raise InputError if there is no chat template beside the tokenizer, or one of another tokenizer."""
        self._loaded, self._request = loaded, request
        self._template = template_files.read(loaded.tokenizer_path)
        self.answer_prefix = before_answer(loaded.tokenizer, self._template)
        ends_of_turn(loaded.tokenizer, self._template)  # refuses a template of another tokenizer

    def answers(self, conversations: Sequence[Sequence[Message]]) -> list[Completion]:
        """Return the answer to each conversation, in one batch. Raise InputError if one is too long."""
        prompts = [self.prompt(messages) for messages in conversations]
        completions = join_deltas(stream(self._loaded, prompts, self._request))
        return [each._replace(text=each.text.removeprefix(self.answer_prefix)) for each in completions]

    def stream(self, messages: Sequence[Message]) -> Iterator[TextDelta]:
        """Yield the answer to a conversation as deltas. Raise InputError if the conversation is too long."""
        text, emitted = "", 0
        for (delta,) in stream(self._loaded, [self.prompt(messages)], self._request, chunk=CHUNK):
            text += delta.text
            answer = "" if self.answer_prefix.startswith(text) else text.removeprefix(self.answer_prefix)
            yield delta._replace(text=answer[emitted:])
            emitted = len(answer)

    def truncated(self, messages: Sequence[Message]) -> list[Message]:
        """Return the conversation without its oldest exchanges, so that an answer fits behind it.

        Raise InputError if the last exchange alone is too long.
        """
        reserved = min(self._request.tokens, self._loaded.limit // 4)
        kept = truncated(messages, lambda part: len(self.prompt(part)) + reserved <= self._loaded.limit, keep="end")
        if kept is None:
            raise InputError(
                f"the message is too long: the model is made for texts of {self._loaded.limit} tokens, "
                f"{reserved} of which are reserved for the answer"
            )
        return list(kept)

    def prompt(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> list[int]:
        """Return the ids of a conversation up to where the answer begins; `tools` are what it may call.

        Raise InputError if the template rejects the conversation.
        """
        encoded = encode_chat(self._loaded.tokenizer, self._template, messages, prompt=True, tools=tools)
        return [int(token) for token in encoded.ids]
