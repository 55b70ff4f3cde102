"""Conversations with a model, by the chat template of its tokenizer."""

import sys
from collections.abc import Iterator, Sequence

from tanuki_jax.chat import folder
from tanuki_jax.chat.turns import truncated
from tanuki_jax.data.tokenizer.chat import before_answer, encode_chat, ends_of_turn
from tanuki_jax.errors import InputError
from tanuki_jax.generate.text import Loaded, Request, joined, stream
from tanuki_jax.records.types import Message


class Assistant:
    """A model that answers."""

    def __init__(self, loaded: Loaded, request: Request) -> None:
        """InputError if there is no chat template beside the tokenizer."""
        self._loaded, self._request = loaded, request
        self._template = folder.read(loaded.folder)
        self._ends = ends_of_turn(loaded.tokenizer, self._template) | {loaded.tokenizer.eod}
        self._opening = before_answer(loaded.tokenizer, self._template)

    def answers(self, conversations: Sequence[Sequence[Message]]) -> list[str]:
        """The answer to each conversation, in one batch. InputError if one is too long."""
        prompts = [self._prompt(messages) for messages in conversations]
        texts = joined(stream(self._loaded, prompts, [*self._ends], self._request), len(prompts))
        return [text.removeprefix(self._opening) for text in texts]

    def stream(self, messages: Sequence[Message]) -> Iterator[str]:
        """The answer to a conversation, piece by piece."""
        text, yielded = "", 0
        for (piece,) in stream(self._loaded, [self._prompt(messages)], [*self._ends], self._request):
            text += piece
            if len(text) >= len(self._opening):
                answer = text.removeprefix(self._opening)
                yield answer[yielded:]
                yielded = len(answer)

    def fitting(self, messages: Sequence[Message]) -> list[Message]:
        """The conversation without its oldest exchanges, as many as the answer needs. InputError if the last alone is too long."""
        kept = truncated(messages, lambda part: len(self._prompt(part)) + self._room <= self._loaded.limit, keep="end")
        if kept is None:
            raise InputError(f"the message is too long for the model, whose texts have at most {self._loaded.limit} tokens")
        return list(kept)

    @property
    def _room(self) -> int:
        """Tokens that an answer gets in any case."""
        return min(self._request.tokens, self._loaded.limit // 4)

    def _prompt(self, messages: Sequence[Message]) -> list[int]:
        return [int(token) for token in encode_chat(self._loaded.tokenizer, self._template, messages, prompt=True).ids]


def talk(assistant: Assistant, system: str) -> None:
    """A conversation in the terminal, a line a turn, until the input ends."""
    messages = [Message("system", system)] if system else []
    ask = "> " if sys.stdin.isatty() else ""
    while True:
        print(ask, end="", flush=True)
        line = sys.stdin.readline()
        if not line:
            return
        if not line.strip():
            continue
        messages.append(Message("user", line.strip()))
        try:
            kept = assistant.fitting(messages)
        except InputError as error:
            print(f"({error})", file=sys.stderr)
            messages.pop()
            continue
        if len(kept) < len(messages):
            print(f"(the first {len(messages) - len(kept)} messages are forgotten: the conversation is too long)", file=sys.stderr)
        messages, answer = kept, ""
        for piece in assistant.stream(messages):
            answer += piece
            print(piece, end="", flush=True)
        print()
        if not answer.strip():
            messages.pop()
            continue
        messages.append(Message("assistant", answer))
