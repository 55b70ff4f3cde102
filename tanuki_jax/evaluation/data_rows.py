"""Rows of the public files of benchmarks: JSON, JSON lines, CSV, TSV."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tanuki_jax.base.errors import InputError

type Row = Mapping[str, Any]


def read_rows(path: Path, *, columns: Sequence[str] = (), how: str = "") -> list[Row]:
    """Return the rows of a file, in order.

    The format is that of the suffix: .json (a list of objects, or lines of objects), .jsonl, .csv, .tsv.

    Args:
        path: file.
        columns: names of the columns of a CSV or TSV without a line of names; empty: its first line has them.
        how: sentence that says how to get the file, for the error if it is missing.

    Raises:
        InputError: the file is missing, empty or malformed.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"the data {path} cannot be read: {reason}{f'; {how}' if how else ''}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"the data {path} are not UTF-8: {error}") from None
    read = _READERS.get(path.suffix)
    if read is None:
        raise InputError(f"the data {path} have no suffix that is known; use one of {', '.join(_READERS)}")
    try:
        rows = read(path, text, columns)
    except csv.Error as error:
        raise InputError(f"the data {path} are malformed: {error}") from None
    except RecursionError:
        raise InputError(f"the data {path} are nested too deeply to be read") from None
    if not rows:
        raise InputError(f"the data {path} have no rows")
    return rows


def fields_of(path: Path, number: int, row: Row, *names: str) -> tuple[str, ...]:
    """Return fields of a row as text. InputError that names file and row if one is missing.

    Args:
        path: file of the row, for the error.
        number: number of the row, from 1, for the error.
        row: row.
        names: fields.
    """
    missing = [name for name in names if row.get(name) is None]
    if missing:
        has = ", ".join(map(str, row)) or "none"
        raise InputError(f"row {number} of {path} has no field {missing[0]!r}; it has {has}")
    return tuple(str(row[name]) for name in names)


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _json(path: Path, text: str, columns: Sequence[str]) -> list[Row]:
    if not text.lstrip().startswith("["):
        return _json_lines(path, text, columns)
    try:
        rows = json.loads(text)
    except ValueError as error:
        raise InputError(f"the data {path} are not JSON: {error}") from None
    return _objects(path, rows)


def _json_lines(path: Path, text: str, columns: Sequence[str]) -> list[Row]:
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                rows.append(json.loads(line))
            except ValueError as error:
                raise InputError(f"line {number} of {path} is not JSON: {error}") from None
    return _objects(path, rows)


def _objects(path: Path, rows: list[Any]) -> list[Row]:
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise InputError(f"row {number} of {path} is no JSON object")
    return rows


def _separated(separator: str) -> Callable[[Path, str, Sequence[str]], list[Row]]:
    def read(path: Path, text: str, columns: Sequence[str]) -> list[Row]:
        file = io.StringIO(text, newline="")
        if separator == ",":
            lines = list(csv.reader(file))
        else:
            lines = list(csv.reader(file, delimiter=separator, quoting=csv.QUOTE_NONE))
        names, first = (list(columns), 1) if columns else (lines[0] if lines else [], 2)
        rows: list[Row] = []
        for number, line in enumerate(lines[first - 1 :], first):
            if len(line) != len(names):
                raise InputError(f"row {number} of {path} has {len(line)} columns, and should have {len(names)}")
            rows.append(dict(zip(names, line, strict=True)))
        return rows

    return read


_READERS: Mapping[str, Callable[[Path, str, Sequence[str]], list[Row]]] = {
    ".json": _json,
    ".jsonl": _json_lines,
    ".csv": _separated(","),
    ".tsv": _separated("\t"),
}
