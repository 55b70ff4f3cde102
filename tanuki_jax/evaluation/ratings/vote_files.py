"""Files of votes, as CSV with a header or as JSON lines, read strictly: an unknown word is never read as a tie.

Columns: `model_a`, `model_b`, `winner`, and if present `category`, `language`, `round`, `voter`, `cluster`, `weight`,
and features of the answers as `length_a`, `length_b`, and so on for `lists`, `headings` and `bold`. Others are ignored.
"""

import csv
import difflib
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.ratings.battles import LABELS, WINNERS, Battle, Winner
from tanuki_jax.evaluation.ratings.text_style import FEATURES

REQUIRED = ("model_a", "model_b", "winner")
FASTCHAT: Mapping[str, str] = {"tie (bothbad)": "both_bad", "bothbad": "both_bad"}
"""Words for `both_bad` in the files that FastChat's `clean_battle_data.py` writes, and in those of Chatbot Arena."""


def read_votes(path: Path) -> list[Battle]:
    """Return the battles of a file that ends with `.csv` or `.jsonl`, in its order.

    InputError names the first line that is empty or has an unknown winner, an empty name, a model against itself, or a
    value that is no number. It is also raised if the file has no votes, or lacks a column.
    """
    if path.suffix.lower() not in (".csv", ".jsonl"):
        raise InputError(f"{path} is neither CSV nor JSON lines; its name must end with .csv or .jsonl")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"there is no file {path}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8: {error.reason} at byte {error.start}") from None
    battles = []
    for line, row in _rows_of_csv(path, text) if path.suffix.lower() == ".csv" else _rows_of_json(path, text):
        try:
            battles.append(_battle(row))
        except InputError as error:
            raise InputError(f"{path}, line {line}: {error}") from None
    if not battles:
        raise InputError(f"{path} has no votes")
    return battles


def _rows_of_csv(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield number of the first line and cells of each row."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        _check_header(path, header)
        line = reader.line_num + 1
        for cells in reader:
            if not any(cells):
                raise InputError(f"{path}, line {line}: the line is empty; delete it")
            if len(cells) != len(header):
                raise InputError(f"{path}, line {line}: {len(cells)} cells below a header of {len(header)}")
            # An empty cell of an optional column is a missing value.
            pairs = zip(header, cells, strict=True)
            yield line, {name: cell for name, cell in pairs if cell or name in REQUIRED}
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}") from None


def _check_header(path: Path, header: list[str]) -> None:
    for name in REQUIRED:
        if name not in header:
            near = difflib.get_close_matches(name, header, n=1)
            hint = f"; {near[0]!r} must be called so" if near else ""
            raise InputError(f"{path} has no column {name!r} in its first line{hint}")
    if repeated := [name for name in header if header.count(name) > 1]:
        raise InputError(f"{path} has the column {repeated[0]!r} twice")


def _rows_of_json(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield number and object of each line; the last may lack its line end."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            raise InputError(f"{path}, line {number}: the line is empty; delete it")
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}, line {number}: no JSON: {error}") from None
        if not isinstance(row, dict):
            raise InputError(f"{path}, line {number}: no JSON object: {line[:40]}")
        for name in REQUIRED:
            if not isinstance(row.get(name), str):
                raise InputError(f"{path}, line {number}: {name} is {row.get(name)!r:.80}, and must be text")
        yield number, {name: value for name, value in row.items() if value is not None}


def _battle(row: Mapping[str, Any]) -> Battle:
    return Battle(
        model_a=row["model_a"],
        model_b=row["model_b"],
        winner=_winner(row["winner"]),
        weight=_number(row, "weight", 1.0),
        style_a={name: _number(row, f"{name}_a") for name in FEATURES if f"{name}_a" in row},
        style_b={name: _number(row, f"{name}_b") for name in FEATURES if f"{name}_b" in row},
        **{label: _label(row, label) for label in LABELS},
    )


def _winner(word: str) -> Winner:
    """Return the winner that a word names exactly; capitals and blanks are refused, and the nearest word is named."""
    if word in WINNERS:
        return cast(Winner, word)
    if word in FASTCHAT:
        return cast(Winner, FASTCHAT[word])
    words = [*WINNERS, *FASTCHAT]
    near = difflib.get_close_matches(word.strip().lower(), words, n=1, cutoff=0.0)[0]
    raise InputError(f"the winner is {word!r:.80}, and must be one of {', '.join(words)}; the nearest is {near!r}")


def _number(row: Mapping[str, Any], name: str, default: float | None = None) -> float:
    value = row.get(name, default)
    try:
        if isinstance(value, bool):
            raise TypeError
        return float(cast(float, value))
    except (TypeError, ValueError):
        raise InputError(f"{name} is {value!r:.80}, and must be a number") from None


def _label(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name, "")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InputError(f"{name} is {value!r:.80}, and must be text")
    return str(value)
