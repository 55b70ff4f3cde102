"""Answers in conversations, by the chat template of a model's tokenizer."""

from collections.abc import Iterator, Sequence

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.chat import template_files as folder
from tanuki_jax.corpus.chat.truncation import truncated
from tanuki_jax.corpus.records.types import Message
from tanuki_jax.data.tokenizer.chat_tokens import before_answer, encode_chat, ends_of_turn
from tanuki_jax.inference.text import Loaded, Piece, Request, stream, whole

CHUNK = 4
"""Tokens that are written in one go where somebody is waiting for them."""


class Assistant:
    """A model that answers.

    Attributes:
        ends: ids that end an answer.
        opening: what the model writes before an answer proper; mostly nothing.
    """

    def __init__(self, loaded: Loaded, request: Request) -> None:
        """InputError if there is no chat template beside the tokenizer."""
        self._loaded, self._request = loaded, request
        self._template = folder.read(loaded.folder)
        self.opening = before_answer(loaded.tokenizer, self._template)
        self.ends = ends_of_turn(loaded.tokenizer, self._template)

    def answers(self, conversations: Sequence[Sequence[Message]]) -> list[str]:
        """The answer to each conversation, in one batch. InputError if one is too long."""
        prompts = [self.prompt(messages) for messages in conversations]
        completions = whole(stream(self._loaded, prompts, [*self.ends], self._request))
        return [completion.text.removeprefix(self.opening) for completion in completions]

    def stream(self, messages: Sequence[Message]) -> Iterator[Piece]:
        """The answer to a conversation, piece by piece. InputError if it is too long."""
        text, said = "", 0
        for (piece,) in stream(self._loaded, [self.prompt(messages)], [*self.ends], self._request, chunk=CHUNK):
            text += piece.text
            answer = "" if self.opening.startswith(text) else text.removeprefix(self.opening)
            yield piece._replace(text=answer[said:])
            said = len(answer)

    def fitting(self, messages: Sequence[Message]) -> list[Message]:
        """The conversation without its oldest exchanges, as many as the answer needs. InputError if the last alone is too long."""
        kept = truncated(messages, lambda part: len(self.prompt(part)) + self._room <= self._loaded.limit, keep="end")
        if kept is None:
            raise InputError(
                f"the message is too long for the model, whose texts have at most {self._loaded.limit} tokens"
            )
        return list(kept)

    @property
    def _room(self) -> int:
        """Tokens that an answer gets in any case."""
        return min(self._request.tokens, self._loaded.limit // 4)

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """The ids of a conversation that is to be answered. InputError if the template does not take it."""
        return [int(token) for token in encode_chat(self._loaded.tokenizer, self._template, messages, prompt=True).ids]
