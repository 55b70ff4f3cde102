"""Conversations as prompts, by the chat template beside a model's tokenizer."""

from collections.abc import Sequence

from tanuki_jax.corpus.chat import template_files
from tanuki_jax.corpus.records.types import Message, Tool
from tanuki_jax.data.tokenizer.chat_tokens import before_answer, encode_chat, ends_of_turn
from tanuki_jax.inference.load_model import LoadedModel


class ChatPrompts:
    """The chat template of a model.

    Attributes:
        template: the template.
        answer_prefix: text that the model generates before the answer proper, such as a space; mostly empty.
    """

    def __init__(self, loaded: LoadedModel) -> None:
        """Raise InputError if there is no chat template beside the tokenizer, or one of another tokenizer."""
        self._tokenizer = loaded.tokenizer
        self.template = template_files.read(loaded.tokenizer_path)
        self.answer_prefix = before_answer(loaded.tokenizer, self.template)
        ends_of_turn(loaded.tokenizer, self.template)  # refuses a template of another tokenizer

    def ids(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> list[int]:
        """Return the ids of a conversation up to where the answer begins; `tools` are what it may call.

        Raise InputError if the template rejects the conversation.
        """
        encoded = encode_chat(self._tokenizer, self.template, messages, prompt=True, tools=tools)
        return [int(token) for token in encoded.ids]
