"""Types that fields of a config may have, and what their values are called in an error.

They are whole numbers, numbers, truth values, text, `Literal`, dataclasses, tuples (`tuple[X, ...]` or of a fixed
length), mappings from text, unions, and names for any of these (`type X = ...`). JSON of a config (`serialize`) knows
them without unions, but for unions of dataclasses.
"""

import collections.abc
import ctypes
import dataclasses
import math
import types
from typing import Annotated, Any, Literal, TypeAliasType, get_args, get_origin

_WORDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    tuple: "a tuple",
    collections.abc.Mapping: "a mapping",
}
_LARGEST = 2**63
"""Whole numbers are smaller: those of JAX and NumPy have 64 bits."""


def bare(kind: Any) -> Any:
    """Return a type without its annotations, and what a name stands for."""
    if isinstance(kind, TypeAliasType):
        return bare(kind.__value__)
    return bare(kind.__origin__) if get_origin(kind) is Annotated else kind


def is_of(value: object, kind: Any) -> bool:
    """Whether a field of type `kind` may hold the value; what a dataclass, tuple or mapping holds is not looked at.

    A config written in Python may state a rate of 1, which is as good as 1.0, but 1e3 steps are a float, and True is no
    number. An instance of a subclass of a dataclass is none of the dataclass: JSON would lose its fields.
    """
    kind = bare(kind)
    form, parts = get_origin(kind), get_args(kind)
    if kind is Any:
        return True
    if form is types.UnionType:
        return any(is_of(value, part) for part in parts)
    if form is Literal:
        return any(type(value) is type(part) and value == part for part in parts)
    if form is tuple and parts[-1] is not ...:
        return isinstance(value, tuple) and len(value) == len(parts)
    if kind in (int, float, bool) or dataclasses.is_dataclass(kind):
        return type(value) is kind or (kind is float and type(value) is int)
    return isinstance(value, form or kind)


def item_kind(kind: Any, index: int) -> Any:
    """Return the type of an item of a tuple."""
    parts = get_args(bare(kind))
    return parts[0] if parts[-1] is ... else parts[index]


def flaw(value: object, kind: Any) -> str:
    """Return what makes a number or a text unusable although it is of its type, as a clause that follows "which";
    empty: nothing."""
    if kind is int and isinstance(value, int) and abs(value) >= _LARGEST:
        return "64 bits cannot hold"
    if kind is float and isinstance(value, int | float):
        try:
            single = ctypes.c_float(value).value
        except OverflowError:
            return "float32 cannot hold"
        if (single == 0) != (value == 0) or math.isinf(single) != math.isinf(value):
            return "float32 cannot hold"
    if isinstance(value, str) and "\0" in value:
        return "has a NUL character"
    return ""


def describe(kind: Any) -> str:
    """Return a type in words, as in "a whole number" or "one of 1, 3"."""
    kind = bare(kind)
    form, parts = get_origin(kind), get_args(kind)
    if form is Literal:
        return f"one of {', '.join(map(str, parts))}"
    if form is types.UnionType:
        return " or ".join(describe(part) for part in parts)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return f"{kind.__name__}(...)"
    return _WORDS.get(form or kind) or str(getattr(kind, "__name__", kind))


def show(value: object) -> str:
    """Return a value as an error quotes it: at most 80 characters."""
    if isinstance(value, int) and value.bit_length() > 256:
        return f"a whole number of about {value.bit_length() * math.log10(2):,.0f} digits"
    return f"{value!r:.80}"
