"""Work of a worker process: encode one unit of a source into one part on disk."""

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
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.atomic import replacing
from tanuki_jax.base.errors import InputError
from tanuki_jax.base.freed_memory import return_freed_memory
from tanuki_jax.corpus.records.types import Malformed, Unused
from tanuki_jax.data.loss_weights import to_codes
from tanuki_jax.data.preparation.chat_documents import Example, Rendering, examples
from tanuki_jax.data.preparation.part import FAULTS_NAMED, Fault, Part, learned_path, tokens_path
from tanuki_jax.data.preparation.work_units import Row, Unit, named, rows_of, text_of
from tanuki_jax.data.tokenizer.load import Tokenizer, load

BATCH_CHARACTERS = 1 << 18
"""Characters of texts that are encoded at a time."""
REASON_CHARACTERS = 200
"""Characters of a fault's reason that are recorded."""

_tokenizer: Tokenizer


def start_worker(tokenizer: str) -> None:
    """Initialize a worker process: load the tokenizer, and make the process end when its parent does."""
    global _tokenizer
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    _tokenizer = load(tokenizer)


def encode_in_worker(
    unit: Unit, part: Path, dtype: str, rendering: Rendering | None, bos_ids: tuple[int, ...] = ()
) -> int:
    """Encode a unit with the tokenizer of this worker process, as texts, which begin with `bos_ids`, if `rendering` is
    None. The traceback of an unexpected error ends with the names of the unit's files."""
    try:
        if rendering is None:
            return encode_text_unit(unit, _tokenizer, part, dtype, bos_ids)
        return encode_chat_unit(unit, _tokenizer, part, dtype, rendering)
    except InputError:
        raise
    except Exception as error:
        error.add_note(f"The rows being encoded were of {named(unit)}.")
        raise
    finally:
        return_freed_memory()  # else it depends on all units so far, and not on the largest


def encode_text_unit(
    unit: Unit,
    tokenizer: Tokenizer,
    part: Path,
    dtype: str,
    bos_ids: tuple[int, ...] = (),
    batch_characters: int = BATCH_CHARACTERS,
) -> int:
    """Encode the documents of a unit, each between `bos_ids` and an end-of-document token, into a part; return the
    number of tokens."""
    columns = _Columns()
    begin, end = np.array(bos_ids, dtype), np.array([tokenizer.eod], dtype)
    with replacing(tokens_path(part)) as partial, partial.open("wb") as file:
        for texts in _batches(rows_of(unit, "text", columns.rows_read), columns, batch_characters):
            documents = tokenizer.encode_batch(texts)
            _write(file, [ids for document in documents for ids in (begin, document, end)], dtype)
            columns.lengths.extend(len(begin) + len(document) + 1 for document in documents)
    columns.part().finish(part)
    return sum(columns.lengths)


def encode_chat_unit(unit: Unit, tokenizer: Tokenizer, part: Path, dtype: str, rendering: Rendering) -> int:
    """Encode the chats or preferences of a unit, with weights, into a part; return the number of tokens."""
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
                columns.add_fault(example.row, example.kind, example.reason)
                continue
            if example.shortened:
                columns.add_fault(example.row, "shortened", example.shortened)
            _write(file, [document.ids for document in example.documents], dtype)
            _write(learned_file, [to_codes(document.weights) for document in example.documents], "uint8")
            learned += sum(int(document.learned[1:].sum()) for document in example.documents)
            columns.lengths.extend(len(document.ids) for document in example.documents)
            for text in example.texts:
                columns.add_text(example.row, text, hashed=example.hashed)
    columns.part(learned).finish(part)
    return sum(columns.lengths)


def _write(file: BinaryIO, arrays: Sequence[npt.NDArray[Any]], dtype: str) -> None:
    file.write(np.concatenate(arrays, dtype=dtype, casting="unsafe").data)


class _Columns:
    """Columns of a `Part` while it is encoded, in compact arrays."""

    def __init__(self) -> None:
        self.lengths = array.array("q")
        self.rows_read: list[int] = []
        self._digests = bytearray()
        self._slices = array.array("i")
        self._rows = array.array("q")
        self._faults: Counter[Fault] = Counter()
        self._named: list[tuple[Row, Fault, str]] = []
        self._characters = 0
        self._bytes = 0

    def add_text(self, row: Row, text: str, hashed: str) -> None:
        """Add a document's text; the hash of `hashed` is its digest."""
        encoded = text.encode()
        self._digests += hashlib.blake2b(encoded if hashed is text else hashed.encode(), digest_size=8).digest()
        self._slices.append(row.slice_index)
        self._rows.append(row.row)
        self._characters += len(text)
        self._bytes += len(encoded)

    def add_fault(self, row: Row, fault: Fault, reason: str) -> None:
        """Count a row's fault, and record its reason if it is one of the first."""
        self._faults[fault] += 1
        if self._faults[fault] <= FAULTS_NAMED:
            self._named.append((row, fault, reason[:REASON_CHARACTERS]))

    def part(self, learned: int | None = None) -> Part:
        """Return the columns as arrays; `learned` is the number of learned tokens of chats and preferences."""
        part = Part(
            lengths=np.array(self.lengths, np.int64),
            digests=np.frombuffer(self._digests, np.uint64),
            pieces=np.array(self._slices, np.int32),
            rows=np.array(self._rows, np.int64),
            malformed=np.array(self._faults["malformed"], np.int64),
            named_pieces=np.array([row.slice_index for row, _, _ in self._named], np.int32),
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
            named_kinds=np.array([fault for _, fault, _ in self._named], np.str_),
            dropped=np.array(self._faults["dropped"], np.int64),
            shortened=np.array(self._faults["shortened"], np.int64),
            unused=np.array(self._faults["unused"], np.int64),
            learned=np.array(learned, np.int64),
        )


def _batches(rows: Iterable[Row], columns: _Columns, batch_characters: int) -> Iterator[list[str]]:
    """Yield texts, about `batch_characters` at a time; all other data of the rows is added to `columns`."""
    texts: list[str] = []
    characters = 0
    for row in rows:
        if isinstance(row.record, Malformed | Unused):
            columns.add_fault(row, "malformed", row.record.reason)  # of texts none is unused
            continue
        text = text_of(row.record)
        columns.add_text(row, text, hashed=text)
        texts.append(text)
        characters += len(text)
        if characters >= batch_characters:
            yield texts
            texts, characters = [], 0
    if texts:
        yield texts


def _leave_with_parent() -> None:
    """End this process as soon as its parent has ended, also if the parent was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
