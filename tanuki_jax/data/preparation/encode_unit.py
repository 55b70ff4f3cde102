"""What a worker process does: one unit of a source to one part on disk."""

import array
import dataclasses
import hashlib
import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.atomic import replacing
from tanuki_jax.corpus.records.types import Malformed
from tanuki_jax.data.preparation.chat_documents import Example, Rendering, examples
from tanuki_jax.data.preparation.part import Part, learned_path, tokens_path
from tanuki_jax.data.preparation.work_units import Row, Unit, rows_of, text_of
from tanuki_jax.data.tokenizer.load import Tokenizer, load

BATCH_CHARACTERS = 1 << 20
MALFORMED_NAMED = 20
REASON_CHARACTERS = 200

_tokenizer: Tokenizer


def start_worker(tokenizer: str) -> None:
    """Runs once in each worker process: loads the tokenizer, and sees to it that the process does not outlive its parent."""
    global _tokenizer
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    _tokenizer = load(tokenizer)


def encode_in_worker(unit: Unit, part: Path, dtype: str, rendering: Rendering | None) -> int:
    """Encodes a unit with the tokenizer of this worker process: chats and preferences as `rendering` says, without it texts."""
    if rendering is None:
        return encode_unit(unit, _tokenizer, part, dtype)
    return encode_chats(unit, _tokenizer, part, dtype, rendering)


def encode_unit(unit: Unit, tokenizer: Tokenizer, part: Path, dtype: str) -> int:
    """Encodes the documents of a unit, each with the end-of-document token behind it, into a part; the number of tokens."""
    columns = _Columns()
    end = np.array([tokenizer.eod], dtype)
    with replacing(tokens_path(part)) as partial, partial.open("wb") as file:
        for texts in _batches(rows_of(unit, "text", columns.rows_read), columns):
            documents = tokenizer.encode_batch(texts)
            _write(file, [ids for document in documents for ids in (document, end)], dtype)
            columns.lengths.extend(len(document) + 1 for document in documents)
    columns.part().finish(part)
    return sum(columns.lengths)


def encode_chats(unit: Unit, tokenizer: Tokenizer, part: Path, dtype: str, rendering: Rendering) -> int:
    """Encodes the conversations or preferences of a unit, and what of them is learned, into a part; the number of tokens."""
    columns = _Columns()
    learned = 0
    with (
        replacing(tokens_path(part)) as partial,
        partial.open("wb") as file,
        replacing(learned_path(part)) as partial_learned,
        partial_learned.open("wb") as learned_file,
    ):
        for example in examples(rows_of(unit, rendering.form, columns.rows_read), tokenizer, rendering):
            if not isinstance(example, Example):
                columns.add_refused(example.row, example.kind, example.reason)
                continue
            if example.shortened:
                columns.add_refused(example.row, "shortened", example.shortened)
            _write(file, [document.ids for document in example.documents], dtype)
            _write(learned_file, [document.learned for document in example.documents], "uint8")
            learned += sum(int(document.learned[1:].sum()) for document in example.documents)
            columns.lengths.extend(len(document.ids) for document in example.documents)
            for text in example.texts:
                columns.add_text(example.row, text, hashed=example.hashed)
    columns.part(learned).finish(part)
    return sum(columns.lengths)


def _write(file: BinaryIO, arrays: Sequence[npt.NDArray[Any]], dtype: str) -> None:
    file.write(np.concatenate(arrays, dtype=dtype, casting="unsafe").data)


class _Columns:
    """Collects what a `Part` holds, in little memory however many documents there are."""

    def __init__(self) -> None:
        self.lengths = array.array("q")
        self.rows_read: list[int] = []
        self._digests = bytearray()
        self._pieces = array.array("i")
        self._rows = array.array("q")
        self._refused: Counter[str] = Counter()
        self._named: list[tuple[Row, str, str]] = []
        self._characters = 0
        self._bytes = 0

    def add_text(self, row: Row, text: str, hashed: str) -> None:
        """A document's text, and the one whose hash is its digest."""
        encoded = text.encode()
        self._digests += hashlib.blake2b(encoded if hashed is text else hashed.encode(), digest_size=8).digest()
        self._pieces.append(row.piece)
        self._rows.append(row.row)
        self._characters += len(text)
        self._bytes += len(encoded)

    def add_refused(self, row: Row, kind: Literal["malformed", "dropped", "shortened"], reason: str) -> None:
        """A row that is no document, or less of one than it could be."""
        self._refused[kind] += 1
        if self._refused[kind] <= MALFORMED_NAMED:
            self._named.append((row, kind, reason[:REASON_CHARACTERS]))

    def part(self, learned: int | None = None) -> Part:
        """The columns as arrays; of chats and preferences also how many tokens are `learned`."""
        part = Part(
            lengths=np.array(self.lengths, np.int64),
            digests=np.frombuffer(self._digests, np.uint64),
            pieces=np.array(self._pieces, np.int32),
            rows=np.array(self._rows, np.int64),
            malformed=np.array(self._refused["malformed"], np.int64),
            named_pieces=np.array([row.piece for row, _, _ in self._named], np.int32),
            named_rows=np.array([row.row for row, _, _ in self._named], np.int64),
            named_reasons=np.array([reason for _, _, reason in self._named], np.str_),
            rows_read=np.array(self.rows_read, np.int64),
            characters=np.array(self._characters, np.int64),
            bytes=np.array(self._bytes, np.int64),
        )
        if learned is None:
            return part
        return dataclasses.replace(
            part,
            named_kinds=np.array([kind for _, kind, _ in self._named], np.str_),
            dropped=np.array(self._refused["dropped"], np.int64),
            shortened=np.array(self._refused["shortened"], np.int64),
            learned=np.array(learned, np.int64),
        )


def _batches(rows: Iterable[Row], columns: _Columns) -> Iterator[list[str]]:
    """The texts, about a million characters at a time; everything else of the rows goes to `columns`."""
    texts: list[str] = []
    characters = 0
    for row in rows:
        if isinstance(row.record, Malformed):
            columns.add_refused(row, "malformed", row.record.reason)
            continue
        text = text_of(row.record)
        columns.add_text(row, text, hashed=text)
        texts.append(text)
        characters += len(text)
        if characters >= BATCH_CHARACTERS:
            yield texts
            texts, characters = [], 0
    if texts:
        yield texts


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
