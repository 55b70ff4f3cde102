"""Limits of numbers, stated beside the fields of a dataclass: `steps: Annotated[int, Limits(above=0)]`."""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.kinds import bare, describe, flaw, is_of, item_kind, show


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits:
    """Range of a number. NaN is always outside it."""

    above: float | None = None
    """Lower bound that is itself too small."""
    at_least: float | None = None
    """Smallest number that is allowed."""
    below: float | None = None
    """Upper bound that is itself too large."""
    at_most: float | None = None
    """Largest number that is allowed."""
    or_equal: float | None = None
    """One number outside the range that is allowed too, such as 0 for "off"."""
    finite: bool = True
    """Whether infinity is outside the range."""

    def allow(self, value: float) -> bool:
        """Whether the range has the value."""
        return value == self.or_equal or (
            (abs(value) < math.inf or (value == math.inf and not self.finite))
            and (self.above is None or value > self.above)
            and (self.at_least is None or value >= self.at_least)
            and (self.below is None or value < self.below)
            and (self.at_most is None or value <= self.at_most)
        )

    def describe(self, value: float) -> str:
        """Return the limits in words for an error about `value`, as in "above 0 and at most 1"."""
        bounds = {
            "above": self.above,
            "at least": self.at_least,
            "below": self.below,
            "at most": self.at_most,
        }
        words = [f"{name} {bound}" for name, bound in bounds.items() if bound is not None]
        if not words or (self.finite and not abs(value) < math.inf):
            words.insert(0, "finite")
        return " and ".join(words) + ("" if self.or_equal is None else f", or {self.or_equal}")


PositiveInt = Annotated[int, Limits(above=0)]
NonNegativeInt = Annotated[int, Limits(at_least=0)]
PositiveFloat = Annotated[float, Limits(above=0)]
NonNegativeFloat = Annotated[float, Limits(at_least=0)]
Share = Annotated[float, Limits(at_least=0, below=1)]
Seed = Annotated[int, Limits(at_least=0, below=2**32)]


def limits_of(hint: Any) -> Limits | None:
    """Return the limits that a type states, as `PositiveInt` does; None: it states none."""
    notes = hint.__metadata__ if get_origin(hint) is Annotated else ()
    return next((note for note in notes if isinstance(note, Limits)), None)


@functools.cache
def hints_of(kind: type) -> dict[str, Any]:
    """Return the types of a dataclass's fields, with their annotations."""
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def check_fields(tree: Any, spell: Callable[[str], str] = str, prefix: str = "") -> None:
    """Raise InputError for the first value in a tree of dataclasses, tuples and mappings that is not of its field's
    type, or is a number outside its limits.

    Args:
        tree: the dataclass at the root.
        spell: turns a field's dotted path into the name that the error shows.
        prefix: path of the root, with a dot at its end.
    """
    root: Any = type(tree)
    for name, hint in hints_of(root).items():
        _check(getattr(tree, name), hint, prefix + name, spell)


def check_tuples(tree: Any) -> None:
    """Raise InputError for the first field of a dataclass that must be a tuple and is none, as after a forgotten comma.

    A class that looks at the items of a tuple before `check_fields` calls this first.

    Args:
        tree: the dataclass; what its fields hold is not looked at.
    """
    root: Any = type(tree)
    for name, hint in hints_of(root).items():
        value, kind = getattr(tree, name), bare(hint)
        if get_origin(kind) is tuple and not isinstance(value, tuple):
            raise InputError(_other_kind(value, kind, name))


def _other_kind(value: object, kind: Any, path: str) -> str:
    """Return the error for a value of another type."""
    advice = ""
    if get_origin(kind) is tuple and not isinstance(value, tuple):
        advice = "; write (...) for [...]" if isinstance(value, list) else "; add the comma, as in (x,) for x"
    return f"{path} is {show(value)}, and must be {describe(kind)}{advice}"


def _check(value: Any, hint: Any, path: str, spell: Callable[[str], str]) -> None:
    kind, limits = bare(hint), limits_of(hint)
    if not is_of(value, kind):
        raise InputError(_other_kind(value, kind, spell(path)))
    if wrong := flaw(value, kind):
        raise InputError(f"{spell(path)} is {show(value)}, which {wrong}")
    if limits is not None and not limits.allow(value):
        raise InputError(f"{spell(path)} is {value}, and must be {limits.describe(value)}")
    if dataclasses.is_dataclass(value):
        check_fields(value, spell, f"{path}.")
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            _check(item, item_kind(kind, index), f"{path}[{index}]", spell)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            _check(name, str, f"a name in {path}", spell)
            _check(item, get_args(kind)[1], f"{path}.{name}", spell)
