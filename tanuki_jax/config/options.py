"""Options of a command, derived from the fields of its dataclasses."""

import dataclasses
import sys
import types
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import tyro

from tanuki_jax.config.fields import docstring
from tanuki_jax.config.kinds import bare
from tanuki_jax.config.renamed import RENAMED

_KINDS = {int: ("a whole number", "whole numbers"), float: ("a number", "numbers"), Path: ("a path", "paths")}


@dataclasses.dataclass(frozen=True)
class Option:
    """A field of a dataclass as an option of the command line."""

    field: str
    """Dotted path of the field."""
    name: str
    """Name on the command line, as in --data.batch-rows; of a positional one, RUN."""
    kind: Any
    """Type of the field, without annotations."""
    markers: tuple[Any, ...]
    """Annotations of the field, such as tyro's markers and limits."""
    default: Any
    """Default of the field, or dataclasses.MISSING."""
    owner: type
    """Dataclass that has the field."""
    holder: tuple[type, str] | None = None
    """Dataclass and name of the field that holds the owner, where the config holds several of the owner's kind."""

    @property
    def positional(self) -> bool:
        """Whether the value is given without the name."""
        return tyro.conf.Positional in self.markers

    @property
    def required(self) -> bool:
        """Whether the field has no default."""
        return self.default is dataclasses.MISSING

    @property
    def opposite(self) -> str:
        """Return the option that sets a flag to false, as in --model.no-tied; empty: there is none."""
        if self.kind is not bool or tyro.conf.FlagCreatePairsOff in self.markers:
            return ""
        start, dot, name = self.name.rpartition(".")
        return f"{start}.no-{name}" if dot else f"--no-{self.name.removeprefix('--')}"

    @property
    def help(self) -> str:
        """Return the docstring of the field, behind that of the field that holds the owner, if others do too."""
        held = docstring(*self.holder) if self.holder else ""
        return f"{held} {docstring(self.owner, self.field.rpartition('.')[2])}".lstrip()

    @property
    def values(self) -> tuple[int, int]:
        """Return how many words the option takes, at least and at most."""
        if self.kind is bool:
            return 0, 0
        if get_origin(self.kind) is not tuple or tyro.conf.UseAppendAction in self.markers:
            return 1, 1
        items = get_args(self.kind)
        return (0, sys.maxsize) if items[-1] is ... else (len(items), len(items))

    def accepts(self, word: str) -> bool:
        """Whether the word can be a value."""
        kind = self._item
        if get_origin(kind) is Literal:
            return word in map(str, get_args(kind))
        try:
            if kind in (int, float):
                kind(word)
        except ValueError:
            return False
        return True

    def describe(self) -> str:
        """Return the kind of value in words, as in "one of none, dots"."""
        kind = self._item
        if get_origin(kind) is Literal:
            return f"{'some' if get_origin(self.kind) is tuple else 'one'} of {', '.join(map(str, get_args(kind)))}"
        least, most = self.values
        one, many = _KINDS.get(kind, ("a value", "values"))
        return one if most == 1 else f"{least} {many}" if least == most else many

    @property
    def _item(self) -> Any:
        """Return the type of one value."""
        return bare(get_args(self.kind)[0]) if get_origin(self.kind) is tuple else self.kind


def options_of(form: type, value: object = None, prefix: str = "") -> Iterator[Option]:
    """Yield the options of a dataclass and of the dataclasses inside it, with the values of `value` as defaults.

    Where a field may hold one of several dataclasses, the options are those of the one in `value`, or of the first.
    """
    found = [*_options_of(form, value, prefix, None)]
    parts = Counter(owner for owner, _ in {(option.owner, option.holder) for option in found})
    for option in found:
        yield option if parts[option.owner] > 1 else dataclasses.replace(option, holder=None)


def _options_of(form: type, value: object, prefix: str, holder: tuple[type, str] | None) -> Iterator[Option]:
    """Yield the options of a dataclass, each with its holder."""
    for field, kind, notes, default in _fields(form, value):
        path = prefix + field
        if _is_config(kind):
            yield from _options_of(kind, default, f"{path}.", (form, field))
            continue
        markers = tuple(note for note in notes if not hasattr(note, "name"))  # all but tyro.conf.arg(name=...)
        stated = next((note.name for note in notes if getattr(note, "name", None)), None)
        name = path.upper() if tyro.conf.Positional in markers else spell(prefix + (stated or field))
        yield Option(path, name, kind, markers, default, form, holder)


def renamed_options(form: type, value: object = None, prefix: str = "") -> dict[str, str]:
    """Return former name -> new name of the options whose fields were renamed."""
    names = {spell(prefix + old): spell(prefix + new) for old, new in RENAMED.get(form.__name__, {}).items()}
    for field, kind, _, default in _fields(form, value):
        if _is_config(kind):
            names |= renamed_options(kind, default, f"{prefix}{field}.")
    return names


def spell(path: str) -> str:
    """Return the option of a field, as in --data.batch-rows."""
    return f"--{path.replace('_', '-')}"


def _fields(form: type, value: object) -> Iterator[tuple[str, Any, tuple[Any, ...], Any]]:
    """Yield name, type, annotations and default of the fields of a dataclass."""
    hints = get_type_hints(form, include_extras=True)
    for field in dataclasses.fields(form):
        hint = hints[field.name]
        kind, notes = (hint.__origin__, hint.__metadata__) if get_origin(hint) is Annotated else (hint, ())
        if value is not None:
            default = getattr(value, field.name)
        else:
            default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        if get_origin(kind) is types.UnionType and _is_config(get_args(kind)[0]):
            kind = type(default) if dataclasses.is_dataclass(default) else get_args(kind)[0]
        yield field.name, kind, notes, None if _is_config(kind) and default is dataclasses.MISSING else default


def _is_config(kind: Any) -> bool:
    return isinstance(kind, type) and dataclasses.is_dataclass(kind)
