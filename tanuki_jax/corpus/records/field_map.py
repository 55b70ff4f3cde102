"""Names of the fields that a form reads, and of the fields of the rows that stand for them."""

from collections.abc import Mapping

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.mixture import Form
from tanuki_jax.corpus.records.preferences import FIELDS
from tanuki_jax.corpus.records.turns import INSTRUCTED, INSTRUCTION, ROW_FLAGS, TURNS, names_of

_PAIR = tuple(sorted(FIELDS))
_READ: dict[Form, tuple[str, ...]] = {
    "text": TURNS,
    "chat": (*TURNS, "prompt", "completion", *INSTRUCTION, *INSTRUCTED),
    "preference": _PAIR,
    "kto": _PAIR,
}
"""Form -> fields that it is read from, beside the text of a document."""
_ALWAYS = ("id", "tools", "functions", "documents", *ROW_FLAGS)
_OPTIONAL = ("id", "tools", "input", "context", "history", "system")
"""Fields that a row may lack."""


def check_field_map(fields: Mapping[str, str], form: Form) -> None:
    """Raise InputError if a source gives a name to a field that its form does not read, or one name to two fields."""
    for name, own in fields.items():
        if name == "text":
            raise InputError(f"fields names the text {own!r}: set text_field of the source to it instead")
        if name not in (*_READ[form], "id", "tools"):
            turned = "; is it the other way round?" if own in _READ[form] else ""
            raise InputError(
                f"fields has {name!r}, which the form {form!r} does not read; it reads {', '.join(_READ[form])}, tools"
                f"{turned}"
            )
    owns = list(fields.values())
    if twice := sorted({own for own in owns if owns.count(own) > 1}):
        raise InputError(f"fields has {twice[0]!r} for two fields")


def renamed(row: Mapping[str, object], fields: Mapping[str, str]) -> Mapping[str, object]:
    """Return a row under the names that its form expects. A field that should have another name is not read, nor are
    turns if another form of a chat is named.

    ValueError if the row lacks a field that cannot be missing.
    """
    if not fields:
        return row
    for name, own in fields.items():
        if own not in row and name not in _OPTIONAL:
            raise ValueError(f"no field {own!r} ({name}) among {names_of(row)}")
    hidden = TURNS if set(fields).isdisjoint(TURNS) and not set(fields) <= {*_OPTIONAL} else ()
    kept = {name: value for name, value in row.items() if name not in (*fields, *fields.values(), *hidden)}
    return kept | {name: row[own] for name, own in fields.items() if own in row}


def read_names(form: Form, text_field: str, fields: Mapping[str, str]) -> frozenset[str]:
    """Return the names in the rows of all fields that a form reads."""
    names = (*_READ[form], *_ALWAYS, *([text_field] if form == "text" else []))
    return frozenset(fields.get(name, name) for name in names)
