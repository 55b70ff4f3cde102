"""The journal of one task: answers of the teacher, each under the hash of its whole request.

It is a file of zstd frames, each with JSON lines. A frame is written at once, so that a process that is killed leaves
at most one torn frame at the end, which the next one cuts off. A frame that is damaged in the middle is passed over.
"""

import contextlib
import dataclasses
import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import zstandard

from tanuki_jax.base.claims import Claim
from tanuki_jax.base.errors import InputError

_log = logging.getLogger(__name__)
_MAGIC = b"\x28\xb5\x2f\xfd"
_LEVEL = 3
_LARGEST_FRAME = 1 << 30
_FIRST_PIECE = 1 << 10


@dataclasses.dataclass(frozen=True, slots=True)
class Stored:
    """An answer as the journal keeps it."""

    texts: tuple[str, ...]
    """Texts of the answer's choices."""
    ends: tuple[str | None, ...]
    """Reason for the end of each choice, as in "stop" or "length"."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    """Price that was paid for it."""
    logprobs: Any = None
    """Log-probabilities of the first choice, if they were asked for."""


def hash_of(body: Mapping[str, Any]) -> str:
    """Return a hash of a whole request: model, messages, settings, schema, seed (BLAKE2b, 128 bits)."""
    text = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()


class AnswerJournal:
    """Answers of earlier runs, and those that this one adds; for use in `with`. One process at a time holds it."""

    def __init__(self, path: Path) -> None:
        """Read the answers of the file, if it is there, and cut off a torn end.

        Args:
            path: file of the journal.

        Raises:
            InputError: another process holds it.
        """
        claim = Claim.attempt(path)
        if claim is None:
            raise InputError(f"another process writes {path}: wait for its end")
        self._path, self._claim = path, claim
        self._waiting: list[str] = []
        self.answers: dict[str, Stored] = {}
        self.paid = 0.0
        """Price of all answers in it."""
        end = lost = 0
        content = path.read_bytes()
        for frame in _frames(content):
            lost, end = lost + frame.start - end, frame.stop
            for line in frame.content.decode(errors="surrogatepass").split("\n")[:-1]:
                self._read(line)
        if lost := lost if end else len(content):  # without a whole frame it is perhaps no journal
            _log.warning("%s is damaged: %d bytes of answers are lost, which are asked for again", path, lost)
        if len(content) > end:
            os.truncate(path, end)

    def _read(self, line: str) -> None:
        """Add an answer of the file, unless another version has written it."""
        with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
            fields = json.loads(line)
            stored = Stored(tuple(fields.pop("texts")), tuple(fields.pop("ends")), **fields.pop("rest"))
            self.answers[fields["hash"]] = stored
            self.paid += stored.cost

    def __enter__(self) -> Self:
        self._file = self._path.open("ab", buffering=0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if self._waiting:
                self.flush()
        finally:
            self._file.close()
            self._claim.release()

    def add(self, key: str, answer: Stored) -> None:
        """Add an answer, which is written with the next `flush`.

        Args:
            key: hash of its request.
            answer: the answer.
        """
        names = ("input_tokens", "output_tokens", "cost", "logprobs")
        rest = {name: value for name in names if (value := getattr(answer, name))}
        fields = {"hash": key, "texts": answer.texts, "ends": answer.ends, "rest": rest}
        line = json.dumps(fields, ensure_ascii=False)  # before the list is looked up: a flush may replace it meanwhile
        self._waiting.append(line)
        self.paid += answer.cost

    def flush(self) -> None:
        """Write the added answers as one frame, and wait until they are on the disk. It may be called in a thread.

        OSError if that fails, as on a full disk; what was written of the frame is cut off.
        """
        lines, self._waiting = self._waiting, []
        if not lines:
            return
        data = "".join(f"{line}\n" for line in lines).encode(errors="surrogatepass")
        rest = memoryview(zstandard.ZstdCompressor(_LEVEL, write_checksum=True).compress(data))
        end = os.fstat(self._file.fileno()).st_size
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except OSError:
            os.truncate(self._path, end)
            raise


class _Frame(NamedTuple):
    """A whole frame of a file."""

    content: bytes
    start: int
    stop: int


def _frames(stored: bytes) -> Iterator[_Frame]:
    """Yield the whole frames of a file in order; where there is none, the next place that looks like one is tried."""
    decompressor, start = zstandard.ZstdDecompressor(max_window_size=_LARGEST_FRAME), 0
    while start < len(stored):
        frame = _frame(decompressor, memoryview(stored), start)
        if frame is not None:
            yield frame
            start = frame.stop
        else:
            start = found if (found := stored.find(_MAGIC, start + 1)) >= 0 else len(stored)


def _frame(decompressor: zstandard.ZstdDecompressor, stored: memoryview, start: int) -> _Frame | None:
    """Return the frame that begins at a place; None: no whole one does.

    Pieces are read, the next one twice as long: zstandard copies all that it gets behind the end of a frame, and with
    the rest of the file a journal of many frames would take a time that grows with the square of their number.
    """
    frame = decompressor.decompressobj()
    content, stop, size = list[bytes](), start, _FIRST_PIECE
    with contextlib.suppress(zstandard.ZstdError):
        while not frame.eof and stop < len(stored):
            content.append(frame.decompress(stored[stop : stop + size]))
            stop, size = min(stop + size, len(stored)), 2 * size
    return _Frame(b"".join(content), start, stop - len(frame.unused_data)) if frame.eof else None
