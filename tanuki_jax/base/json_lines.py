"""Logs of JSON lines, which a process appends to until it is killed, perhaps in the middle of a line."""

import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple


def encode(value: Any) -> str:
    """Return a value as JSON in one line. NaN and infinity, which JSON does not have, become null."""
    return json.dumps(_finite(value), ensure_ascii=False, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, list | tuple) else value


def null_as_nan(value: Any) -> Any:
    """Return a value of metrics in which null, a number that was not finite, is NaN again."""
    if isinstance(value, dict):
        return {name: null_as_nan(part) for name, part in value.items()}
    if isinstance(value, list):
        return [null_as_nan(part) for part in value]
    return math.nan if value is None else value


def append(path: Path, value: Any, *, sync: bool = False) -> None:
    """Append a line; one that a killed process left unfinished at the end of the file is cut off.

    Args:
        path: file, created if missing.
        value: what the line holds.
        sync: block until the line is on the disk.
    """
    with path.open("ab+") as file:
        _cut_unfinished(file)
        file.write(encode(value).encode(errors="replace") + b"\n")
        file.flush()
        if sync:
            os.fsync(file.fileno())


def _cut_unfinished(file: BinaryIO) -> None:
    """Cut the file behind its last line end, unless what follows is a whole line without one."""
    size = start = file.seek(0, os.SEEK_END)
    tail = b""
    while start and b"\n" not in tail:
        start = max(0, start - (1 << 16))
        file.seek(start)
        tail = file.read(size - start)
    rest = tail[tail.rfind(b"\n") + 1 :]
    if rest and isinstance(_parsed(rest), BadLine):
        file.truncate(size - len(rest))
    elif rest:
        file.write(b"\n")


def lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield number, from 1, and value of the lines of a file in order, without an unfinished last one.

    The value of a line that is no JSON is a `BadLine`. Only a line feed ends a line. A file that does not exist has no
    lines.
    """
    if not path.exists():
        return
    *texts, rest = path.read_bytes().split(b"\n")
    for number, text in enumerate(texts, 1):
        yield number, _parsed(text)
    if rest and not isinstance(value := _parsed(rest), BadLine):
        yield len(texts) + 1, value


class BadLine(NamedTuple):
    """A line that is no JSON."""

    reason: str


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text.decode(errors="replace"))
    except json.JSONDecodeError as error:
        return BadLine(error.msg)
    except (ValueError, RecursionError) as error:
        return BadLine(str(error))
