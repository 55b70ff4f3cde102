"""Texts that people labelled as good or bad."""

import json
from pathlib import Path
from typing import NamedTuple

from tanuki_jax.base.errors import InputError

_LABEL = "__label__"
_GOOD = frozenset(["good", "1", "true", "keep"])
_BAD = frozenset(["bad", "0", "false", "drop"])


class Labelled(NamedTuple):
    """A text and what a person thought of it."""

    text: str
    good: bool


def read_labelled(path: Path) -> list[Labelled]:
    """Return the labelled texts of a file.

    A line of a .jsonl file is an object with `text` and `label`; a line of fastText's format is `__label__good TEXT`;
    any other line is TEXT, a tab, and the label. Labels are good, 1, true or keep, and bad, 0, false or drop.

    Raises:
        InputError: the file cannot be read, or a line is not as it should be.
    """
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the labelled texts {path} cannot be read: {error}") from error
    found = []
    for number, line in enumerate(lines, start=1):
        if not line or line.isspace():
            continue
        text, label = _parts(line.rstrip("\r"), path.suffix == ".jsonl")
        if label not in _GOOD | _BAD or not text:
            raise InputError(f"{path}, line {number}: no text with the label good or bad; write TEXT, a tab, LABEL")
        found.append(Labelled(text, label in _GOOD))
    if not found:
        raise InputError(f"{path} has no labelled text; write one a line: TEXT, a tab, good or bad")
    return found


def _parts(line: str, is_json: bool) -> tuple[str, str]:
    """Return text and label of a line; both are empty if it has none."""
    if is_json:
        try:
            row = json.loads(line)
            return str(row["text"]), str(row["label"]).lower()
        except (ValueError, KeyError, TypeError):
            return "", ""
    if line.startswith(_LABEL):
        label, _, text = line.removeprefix(_LABEL).partition(" ")
    else:
        text, _, label = line.rpartition("\t")
    return text.strip(), label.strip().lower()
