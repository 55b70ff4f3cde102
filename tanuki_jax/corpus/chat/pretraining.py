"""Conversations as text for pretraining."""

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Conversation

_SPEAKERS = ("user", "assistant")


def as_text(conversation: Conversation) -> str:
    """The turns, joined by newlines: the system message as its plain content, then `user: CONTENT` and `assistant: CONTENT`.

    Contents stand as they are and there is no newline at the end. InputError if a role is none of these, a system message
    does not stand first, or there is no turn.
    """
    messages = conversation.messages
    system = [messages[0].content] if messages and messages[0].role == "system" else []
    turns = messages[len(system) :]
    if not turns:
        raise InputError(f"the conversation {conversation.id} has no turn of a user or an assistant")
    for message in turns:
        if message.role not in _SPEAKERS:
            place = (
                "a system message that does not stand first"
                if message.role == "system"
                else f"the role {message.role!r}"
            )
            raise InputError(
                f"the conversation {conversation.id} has {place}; turns are the user's or the assistant's, after at most one system message"
            )
    return "\n".join([*system, *(f"{message.role}: {message.content}" for message in turns)])
