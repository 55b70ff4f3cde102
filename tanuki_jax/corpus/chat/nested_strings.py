"""Strings in JSON values, and in conversations."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from tanuki_jax.corpus.records.types import Message, Tool


def strings_in(value: object) -> Iterator[str]:
    """Yield the strings in a JSON value, names of fields included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield name
            yield from strings_in(part)
    elif isinstance(value, Sequence):
        for part in value:
            yield from strings_in(part)


def strings_of(messages: Iterable[Message], tools: Sequence[Tool]) -> Iterator[str]:
    """Yield the strings of a conversation that come from data."""
    for message in messages:
        yield message.content
        yield from strings_in(message.fields)
    yield from strings_in(tools)


def map_strings(value: Any, change: Callable[[str], str]) -> Any:
    """Return a copy of a JSON value in which each string is changed, names of fields included."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {change(name): map_strings(part, change) for name, part in value.items()}
    if isinstance(value, Sequence):
        return [map_strings(part, change) for part in value]
    return value
