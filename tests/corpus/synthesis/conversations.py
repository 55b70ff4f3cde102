"""Conversations for recipes to read."""

from tanuki_jax.corpus.records.types import Conversation, Message
from tanuki_jax.corpus.synthesis.recipe import Item


def conversation(*texts: str, system: str = "", name: str = "parent") -> Conversation:
    """Return a conversation of these turns, by user and assistant in turn."""
    turns = [Message(("user", "assistant")[number % 2], text) for number, text in enumerate(texts)]
    return Conversation(name, tuple([Message("system", system)] * bool(system) + turns), {"source": "test"})


def item(*texts: str, system: str = "") -> Item:
    """Return an item whose record is such a conversation."""
    return Item("key", record=conversation(*texts, system=system))
