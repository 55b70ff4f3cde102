"""Fields of nested dataclasses: their docstrings, changes by dotted path, and items of tuples as fields."""

import ast
import dataclasses
import difflib
import functools
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.renamed import RENAMED


def with_field[Tree](tree: Tree, path: str, value: object) -> Tree:
    """Return a copy of a tree of dataclasses with another value at a dotted path.

    InputError, which names the new name or the nearest, if there is no such field.
    """
    return _with_field(tree, path, path, value)


def _with_field[Part](part: Part, path: str, rest: str, value: object) -> Part:
    assert dataclasses.is_dataclass(part) and not isinstance(part, type)
    name, _, below = rest.partition(".")
    names, kind = [known.name for known in dataclasses.fields(part)], type(part).__name__
    inner: Any = getattr(part, name, None)
    if new := RENAMED.get(kind, {}).get(name):
        raise InputError(f"there is no field {path!r}: {name!r} of {kind} is called {new!r} now")
    if name not in names or (below != "" and not dataclasses.is_dataclass(inner)):
        nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.0)[0]
        raise InputError(f"there is no field {path!r}; the nearest to {name!r} in {kind} is {nearest!r}")
    return dataclasses.replace(part, **{name: _with_field(inner, path, below, value) if below else value})


def items_as_fields(config: Any, named: Mapping[str, Mapping[str, Any]], typed: Collection[str] = ()) -> Any:
    """Return a config as a tree in which items of tuples are fields by name, so that each of theirs is an option.

    Args:
        config: a dataclass.
        named: field that holds a tuple -> name -> item.
        typed: further fields whose options are those of their value's type, not of the declared one.
    """
    values = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    for field, items in named.items():
        fields = [(name, type(item), dataclasses.field(default=item)) for name, item in items.items()]
        values[field] = dataclasses.make_dataclass(field.title(), fields, frozen=True)()
    return dataclasses.make_dataclass(
        f"{type(config).__name__}Options",
        [(field, type(values[field]), dataclasses.field(default=values[field])) for field in (*named, *typed)],
        bases=(type(config),),
        namespace={"__post_init__": lambda tree: None},
        frozen=True,
        kw_only=True,
    )(**values)


def fields_as_items[Config](tree: Any, kind: type[Config], named: Collection[str]) -> Config:
    """Return the config of a tree that `items_as_fields` made.

    Args:
        tree: the tree.
        kind: type of the config.
        named: fields that hold tuples.
    """
    fields = {field.name: getattr(tree, field.name) for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    return kind(**fields | {name: tuple(vars(fields[name]).values()) for name in named})


def docstring(kind: type, field: str) -> str:
    """Return the docstring below a field of a dataclass or of one that it inherits from, in one line; empty: none."""
    for owner in kind.__mro__:
        file = getattr(sys.modules.get(owner.__module__), "__file__", None)
        if file and (text := _docstrings(file).get(f"{owner.__qualname__}.{field}")):
            return text
    return ""


@functools.cache
def _docstrings(file: str) -> dict[str, str]:
    """Return CLASS.FIELD -> docstring of the classes at the top level of a file."""
    result = {}
    for owner in ast.parse(Path(file).read_text("utf-8")).body:
        if isinstance(owner, ast.ClassDef):
            for field, below in zip(owner.body, owner.body[1:], strict=False):
                match field, below:
                    case (
                        ast.AnnAssign(target=ast.Name(id=name)),
                        ast.Expr(value=ast.Constant(value=str() as text)),
                    ):
                        result[f"{owner.name}.{name}"] = " ".join(text.split())
    return result
