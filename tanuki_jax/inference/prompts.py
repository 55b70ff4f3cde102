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


class Given(NamedTuple):
    """A line or row, and where it stands, as FILE:NUMBER from 1."""

    place: str
    record: Document | Conversation | Malformed


def prompts(pattern: str) -> Iterator[Given]:
    """The prompts in files: of JSON lines and Parquet rows the text in `prompt`, or the conversation in `messages`; other lines as texts.

    Conversations end with the user's turn. Blank lines count, and are passed over in silence.

    Args:
        pattern: a path or a glob.

    Raises:
        InputError: no file matches, or one is damaged. What is wrong with one line is a `Malformed` in its place.
    """
    for file in expand([pattern]):
        if format_of(file.path) is PLAIN_TEXT:
            yield from _lines(file.path)
            continue
        before = 0
        for part in split(file, max(file.bytes, 1)):
            reader = read(part, text_field="prompt")
            for row in reader:
                assert isinstance(row.record, Document | Conversation | Malformed)
                yield Given(f"{file.path}:{before + row.row + 1}", _answerable(row.record))
            before += reader.rows_read


def _answerable(record: Document | Conversation | Malformed) -> Document | Conversation | Malformed:
    wrong = check(record.messages, answered=False) if isinstance(record, Conversation) else None
    return record if wrong is None else Malformed(wrong)


def _lines(path: str) -> Iterator[Given]:
    """The lines of a plain text, each a document whose id is its place."""
    try:
        content = text_bytes(path)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    for number, line in zip(itertools.count(1), content.split(b"\n"), strict=False):
        place = f"{path}:{number}"
        try:
            text = line.removesuffix(b"\r").decode()
        except UnicodeDecodeError as error:
            yield Given(place, Malformed(f"invalid UTF-8 at byte {error.start} of the line"))
            continue
        if text and not text.isspace():
            yield Given(place, Document(place, text))
