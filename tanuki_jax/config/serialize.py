"""Frozen dataclass trees as readable JSON and back, without loss, such as an `Experiment` of a run folder.

A field that may hold one of several dataclasses names its class in `kind`; without it (an older file) it holds the
first.
"""

import collections.abc
import dataclasses
import json
import sys
import types
from pathlib import Path
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.kinds import bare, describe, is_of, item_kind
from tanuki_jax.config.renamed import RENAMED


def to_json(config: object) -> str:
    """Return a tree of dataclasses, tuples, mappings and plain values as JSON, with fields in the order of their
    declaration and a newline at the end. InputError if a text has bytes that are not UTF-8, as a path may."""
    text = json.dumps(_plain(config, type(config)), indent=2, ensure_ascii=False) + "\n"
    try:
        text.encode()
    except UnicodeEncodeError as error:
        line = text[: error.start].count("\n")
        raise InputError(f"not UTF-8: {text.splitlines()[line].strip()!r:.200}") from None
    return text


def from_json[Config](text: str, kind: type[Config], origin: str = "the config") -> Config:
    """Return the tree of type `kind` that `to_json` wrote.

    Args:
        text: JSON that `to_json` returned.
        kind: dataclass at the root.
        origin: name of the text in errors, for instance the file's path.

    Raises:
        InputError: on malformed JSON, an unknown field, a missing one that has no default (fields younger than the
            file have one), and a value of another type than the field's.
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{origin} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise InputError(f"{origin} is nested too deeply to be read") from None
    except ValueError as error:  # a number of thousands of digits
        raise InputError(f"{origin} cannot be read: {error}") from None
    return cast(Config, _build(value, kind, "", origin))


def read_json[Config](path: Path, kind: type[Config]) -> Config:
    """Return the tree that a file holds, as `from_json` reads it. InputError also if the file is not UTF-8."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not JSON: {error}") from None
    return from_json(text, kind, str(path))


def _plain(value: Any, kind: Any) -> object:
    """Return a value, whose declared type is `kind`, as one that `json` can write.

    Equal configs give equal text: the integer 1 in a float field is written as 1.0.
    """
    if dataclasses.is_dataclass(kind):
        kinds = get_type_hints(kind)
        return {field.name: _plain(getattr(value, field.name), kinds[field.name]) for field in dataclasses.fields(kind)}
    form, parts = get_origin(kind), get_args(kind)
    if form is types.UnionType:
        return {"kind": type(value).__name__, **cast(dict[str, object], _plain(value, type(value)))}
    if form is collections.abc.Mapping:
        return {name: _plain(part, parts[1]) for name, part in value.items()}
    if form is tuple:
        return [_plain(part, item_kind(kind, index)) for index, part in enumerate(value)]
    return float(value) if kind is float else value


def _build(value: Any, kind: Any, field: str, origin: str) -> Any:
    """Return the object of type `kind` that a JSON value describes; `field` is its dotted path."""
    kind = bare(kind)
    if dataclasses.is_dataclass(kind):
        return _build_dataclass(value, cast(type, kind), field, origin)
    if kind is Any:
        return value
    form, parts = get_origin(kind), get_args(kind)
    if form is types.UnionType and isinstance(value, dict):
        return _build_one_of(value, parts, field, origin)
    if form is tuple and isinstance(value, list) and is_of(tuple(value), kind):
        return tuple(
            _build(part, item_kind(kind, index), f"{field}[{index}]", origin) for index, part in enumerate(value)
        )
    if form is collections.abc.Mapping and isinstance(value, dict):
        return {name: _build(part, parts[1], f"{field}.{name}", origin) for name, part in value.items()}
    if kind is float and type(value) is int:
        if abs(value) < sys.float_info.max:
            return float(value)
    elif (form is Literal or kind in (int, float, bool, str)) and is_of(value, kind):
        return value
    raise InputError(
        f"{field or 'the root'} of {origin} is {json.dumps(value, ensure_ascii=False)[:80]}, not {describe(kind)}"
    )


def _build_one_of(value: dict[str, Any], kinds: tuple[type, ...], field: str, origin: str) -> Any:
    named = {kind.__name__: kind for kind in kinds}
    name = value.get("kind", kinds[0].__name__)
    if not isinstance(name, str) or name not in named:
        raise InputError(
            f"{field}.kind of {origin} is {json.dumps(name, ensure_ascii=False)[:80]}, not one of {', '.join(named)}"
        )
    return _build_dataclass({key: part for key, part in value.items() if key != "kind"}, named[name], field, origin)


def _build_dataclass(value: Any, kind: type, field: str, origin: str) -> Any:
    if not isinstance(value, dict):
        shown = json.dumps(value, ensure_ascii=False)[:80]
        raise InputError(f"{field or 'the root'} of {origin} is {shown}, not the fields of {kind.__name__}")
    renamed = RENAMED.get(kind.__name__, {})
    for former, now in renamed.items():
        if former in value and now in value:
            raise InputError(f"{origin} has {former} and {now}, the former and the present name of one field")
    value = {renamed.get(name, name): part for name, part in value.items()}
    kinds = get_type_hints(kind)
    prefix = f"{field}." if field else ""
    fields = {part.name: part for part in dataclasses.fields(kind)}
    if unknown := [name for name in value if name not in fields]:
        raise InputError(f"{origin} has the field {prefix}{unknown[0]}, which {kind.__name__} does not know")
    if missing := [
        name
        for name, part in fields.items()
        if name not in value and part.default is part.default_factory is dataclasses.MISSING
    ]:
        raise InputError(f"{origin} lacks the field {prefix}{missing[0]} of {kind.__name__}")
    return kind(**{name: _build(value[name], kinds[name], prefix + name, origin) for name in value})
