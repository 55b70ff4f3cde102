"""The journal of one task: answers of the teacher, each under the hash of its whole request.

It is a file of zstd frames, each with JSON lines. A frame is written at once, so that a process that is killed leaves
at most one torn frame at the end, which the next one cuts off.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import zstandard

from tanuki_jax.base.claims import Claim
from tanuki_jax.base.errors import InputError

_LEVEL = 3
_LARGEST_FRAME = 1 << 30


@dataclasses.dataclass(frozen=True, slots=True)
class Stored:
    """An answer as the journal keeps it."""

    texts: tuple[str, ...]
    """Texts of the answer's choices."""
    ends: tuple[str | None, ...]
    """Reason for the end of each choice, as in "stop" or "length"."""
    input_tokens: int
    output_tokens: int
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
        end = 0
        for line, position in _lines(path):
            fields = json.loads(line)
            key, texts, ends = fields.pop("hash"), tuple(fields.pop("texts")), tuple(fields.pop("ends"))
            self.answers[key] = Stored(texts, ends, **fields)
            end = position
        self.cut = os.path.getsize(path) - end
        """Bytes at the end of the file that were no whole frame."""
        if self.cut:
            os.truncate(path, end)

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
        fields = {name: getattr(answer, name) for name in Stored.__slots__}
        if fields["logprobs"] is None:
            del fields["logprobs"]
        self._waiting.append(json.dumps({"hash": key, **fields}, ensure_ascii=False))

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


def _lines(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the lines of the whole frames of a file, each with the position at which its frame ends."""
    for data, end in _frames(path.read_bytes()):
        for line in data.decode(errors="surrogatepass").split("\n")[:-1]:
            yield line, end


def _frames(stored: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield the content of the whole frames at the beginning, each with the position at which it ends."""
    rest = memoryview(stored)
    while rest:
        frame = zstandard.ZstdDecompressor(max_window_size=_LARGEST_FRAME).decompressobj()
        try:
            data = frame.decompress(rest)
        except zstandard.ZstdError:
            return
        if not frame.eof:
            return
        rest = memoryview(frame.unused_data)
        yield data, len(stored) - len(rest)
