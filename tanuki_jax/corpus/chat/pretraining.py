"""The plain form of conversations in pretraining."""

import json

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Chat, Conversation

_SPEAKERS = ("user", "assistant")


def as_text(conversation: Conversation) -> str:
    """Join turns by newlines: the content of the system message, then `user: CONTENT` and `assistant: CONTENT`.

    Contents are not changed, and no newline follows the last. InputError if there is another role, a system message
    that is not the first, or no turn.
    """
    messages = conversation.messages
    system = [messages[0].content] if messages and messages[0].role == "system" else []
    turns = messages[len(system) :]
    if not turns:
        raise InputError(f"the conversation {conversation.id} has no turn of a user or an assistant")
    for message in turns:
        if message.role not in _SPEAKERS:
            fault = (
                "a system message that is not the first" if message.role == "system" else f"the role {message.role!r}"
            )
            raise InputError(
                f"the conversation {conversation.id} has {fault}; "
                "its turns should be the user's and the assistant's, after at most one system message"
            )
    return "\n".join([*system, *(f"{message.role}: {message.content}" for message in turns)])


def as_text_or_json(chat: Chat) -> str:
    """Return a conversation like `as_text`, or as JSON if it has tools, calls or reasoning, which that form lacks."""
    if chat.tools or any(message.role == "tool" or message.calls_and_reasoning for message in chat.messages):
        turns = [message.turn for message in chat.messages]
        return json.dumps([turns, [*chat.tools]], ensure_ascii=False, default=str)
    return as_text(Conversation("", tuple(chat.messages)))
