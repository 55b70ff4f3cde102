"""Types of fields: whether a value is of one, and what one is called in an error."""

import collections.abc
import dataclasses
import types
from typing import Any, Literal, TypeAliasType, get_args, get_origin

_WORDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    tuple: "a tuple",
    collections.abc.Mapping: "a mapping",
}


def is_of(value: object, kind: Any) -> bool:
    """Whether a field of type `kind` may hold the value; what a dataclass, tuple or mapping holds is not looked at.

    A config written in Python may state a rate of 1, which is as good as 1.0, but 1e3 steps are a float, and True is no
    number.
    """
    form, parts = get_origin(kind), get_args(kind)
    if kind is Any:
        return True
    if isinstance(kind, TypeAliasType):
        return is_of(value, kind.__value__)
    if form is types.UnionType:
        return any(is_of(value, part) for part in parts)
    if form is Literal:
        return any(type(value) is type(part) and value == part for part in parts)
    if kind in (int, float, bool):
        return type(value) is kind or (kind is float and type(value) is int)
    if form is tuple and parts[-1] is not ...:
        return isinstance(value, tuple) and len(value) == len(parts)
    return isinstance(value, form or kind)


def describe(kind: Any) -> str:
    """Return a type in words, as in "a whole number" or "one of 1, 3"."""
    if isinstance(kind, TypeAliasType):
        return describe(kind.__value__)
    form, parts = get_origin(kind), get_args(kind)
    if form is Literal:
        return f"one of {', '.join(map(str, parts))}"
    if form is types.UnionType:
        return " or ".join(describe(part) for part in parts)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return f"{kind.__name__}(...)"
    return _WORDS.get(form or kind) or str(getattr(kind, "__name__", kind))
