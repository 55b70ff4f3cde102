"""Prompts in files: texts to continue, and conversations to answer."""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import pyarrow as pa

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.files import expand
from tanuki_jax.corpus.records.formats.by_suffix import PLAIN_TEXT, format_of
from tanuki_jax.corpus.records.formats.plain_text import text_bytes
from tanuki_jax.corpus.records.read import read, split
from tanuki_jax.corpus.records.turns import check
from tanuki_jax.corpus.records.types import Conversation, Document, Malformed


class PromptRow(NamedTuple):
    """A line or row of a file."""

    location: str
    """FILE:NUMBER, from 1."""
    record: Document | Conversation | Malformed


def read_prompts(pattern: str) -> Iterator[PromptRow]:
    """Yield the prompts in files.

    In JSON lines and Parquet rows: the text in `prompt`, or the conversation in `messages`, whose last turn is the
    user's or a tool's. In other files: each line as a text. Blank lines are counted and skipped.

    Args:
        pattern: a path or a glob.

    Raises:
        InputError: no file matches, or one is damaged. A fault in one line becomes a `Malformed` record instead.
    """
    for file in expand([pattern]):
        if format_of(file.path) is PLAIN_TEXT:
            yield from _lines(file.path)
            continue
        rows_before = 0
        for part in split(file, max(file.bytes, 1)):
            reader = read(part, text_field="prompt", form="prompt")
            for row in reader:
                assert isinstance(row.record, Document | Conversation | Malformed)
                yield PromptRow(f"{file.path}:{rows_before + row.row + 1}", _answerable(row.record))
            rows_before += reader.rows_read


def _answerable(record: Document | Conversation | Malformed) -> Document | Conversation | Malformed:
    fault = check(record.messages, answered=False) if isinstance(record, Conversation) else None
    return record if fault is None else Malformed(fault)


def _lines(path: str) -> Iterator[PromptRow]:
    """Yield the lines of a plain text, each as a document whose id is its location."""
    try:
        content = text_bytes(path)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    for number, line in zip(itertools.count(1), content.split(b"\n"), strict=False):
        location = f"{path}:{number}"
        try:
            text = line.removesuffix(b"\r").decode()
        except UnicodeDecodeError as error:
            yield PromptRow(location, Malformed(f"invalid UTF-8 at byte {error.start} of the line"))
            continue
        if text and not text.isspace():
            yield PromptRow(location, Document(location, text))
