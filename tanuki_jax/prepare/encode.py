"""What a worker process does: one unit of a source to one part on disk."""

import array
import hashlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from tanuki_jax.data.tokenizer.load import Tokenizer, load
from tanuki_jax.prepare.part import Part, tokens_path
from tanuki_jax.prepare.units import Row, Unit, rows_of
from tanuki_jax.records.read import Malformed
from tanuki_jax.replacing import replacing

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


def encode_in_worker(unit: Unit, part: Path, dtype: str) -> int:
    """`encode_unit` with the tokenizer of this worker process."""
    return encode_unit(unit, _tokenizer, part, dtype)


def encode_unit(unit: Unit, tokenizer: Tokenizer, part: Path, dtype: str) -> int:
    """Encodes the documents of a unit, each with the end-of-document token behind it, into a part; the number of tokens."""
    columns = _Columns()
    end = np.array([tokenizer.eod], dtype)
    tokens = 0
    with replacing(tokens_path(part)) as partial, partial.open("wb") as file:
        for texts in _batches(rows_of(unit, columns.rows_read), columns):
            documents = tokenizer.encode_batch(texts)
            file.write(np.concatenate([ids for document in documents for ids in (document, end)], dtype=dtype, casting="unsafe").data)
            columns.lengths.extend(len(document) + 1 for document in documents)
            tokens += sum(map(len, documents)) + len(documents)
    columns.part().finish(part)
    return tokens


class _Columns:
    """Collects what a `Part` holds, in little memory however many documents there are."""

    def __init__(self) -> None:
        self.lengths = array.array("q")
        self.rows_read: list[int] = []
        self._digests = bytearray()
        self._pieces = array.array("i")
        self._rows = array.array("q")
        self._malformed = 0
        self._named: list[tuple[Row, str]] = []
        self._characters = 0
        self._bytes = 0

    def add_text(self, row: Row, text: str) -> None:
        encoded = text.encode()
        self._digests += hashlib.blake2b(encoded, digest_size=8).digest()
        self._pieces.append(row.piece)
        self._rows.append(row.row)
        self._characters += len(text)
        self._bytes += len(encoded)

    def add_malformed(self, row: Row, reason: str) -> None:
        self._malformed += 1
        if len(self._named) < MALFORMED_NAMED:
            self._named.append((row, reason[:REASON_CHARACTERS]))

    def part(self) -> Part:
        return Part(
            lengths=np.array(self.lengths, np.int64),
            digests=np.frombuffer(self._digests, np.uint64),
            pieces=np.array(self._pieces, np.int32),
            rows=np.array(self._rows, np.int64),
            malformed=np.array(self._malformed, np.int64),
            named_pieces=np.array([row.piece for row, _ in self._named], np.int32),
            named_rows=np.array([row.row for row, _ in self._named], np.int64),
            named_reasons=np.array([reason for _, reason in self._named], np.str_),
            rows_read=np.array(self.rows_read, np.int64),
            characters=np.array(self._characters, np.int64),
            bytes=np.array(self._bytes, np.int64),
        )


def _batches(rows: Iterable[Row], columns: _Columns) -> Iterator[list[str]]:
    """The texts, about a million characters at a time; everything else of the rows goes to `columns`."""
    texts: list[str] = []
    characters = 0
    for row in rows:
        if isinstance(row.text, Malformed):
            columns.add_malformed(row, row.text.reason)
            continue
        columns.add_text(row, row.text)
        texts.append(row.text)
        characters += len(row.text)
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
