"""Records of a WARC file as bytes: found by their headers and lengths, and by the next header behind a fault.

The format is WARC 1.1 (https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/). fastwarc's own
iteration ends at the first fault, so it only reads the headers of what is found here.
"""

import re
from collections.abc import Iterable, Iterator

from tanuki_jax.corpus.records.files import LONGEST_RECORD, LONGEST_SKIP
from tanuki_jax.corpus.records.formats.gzip_members import Damage
from tanuki_jax.corpus.records.types import Malformed

MAGIC = b"WARC/"
_LONGEST_HEADER = 64 << 10
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_LENGTH = re.compile(rb"(?im)^content-length[ \t]*:[ \t]*(\d{1,18})[ \t]*\r?$")
_NEXT = re.compile(rb"\nWARC/[01]\.\d{1,2}[ \t]*\r?\n")
_LONGEST_NEXT = 32


class _Bytes:
    """The bytes of a file from a moving position on, up to its end or the next damage."""

    def __init__(self, blocks: Iterable[bytes | Damage], most: int) -> None:
        self._blocks, self._most, self._passed = iter(blocks), most, 0
        self.data = bytearray()
        self.position = 0
        self.damage: Damage | None = None

    def fill(self, size: int) -> bool:
        """Read until there are `size` bytes. Return whether there are."""
        while len(self.data) < size and self.damage is None:
            block = next(self._blocks, b"")
            if isinstance(block, Damage):
                self.damage = block
            elif block:
                self.data += block
            else:
                break
        return len(self.data) >= size

    def skip(self, size: int) -> None:
        """Move on by `size` bytes that were read."""
        del self.data[:size]
        self.position += size

    def skip_filler(self, size: int) -> None:
        """Move on by `size` bytes that belong to no sound record. OSError if these are too many in a row."""
        self.skip(size)
        self._passed += size
        if self._passed > self._most:
            raise OSError(f"no WARC record in the {self._most} bytes before byte {self.position}")

    def take(self, size: int) -> bytes:
        """Return `size` bytes that were read and that are a record, and move on."""
        record = bytes(self.data[:size])
        self.skip(size)
        self._passed = 0
        return record

    def resume(self) -> None:
        """Move on behind the damage."""
        self.skip(len(self.data))
        self.damage = None


def records(
    blocks: Iterable[bytes | Damage], longest_record: int = 2 * LONGEST_RECORD, most: int = LONGEST_SKIP
) -> Iterator[tuple[int, bytes | Malformed]]:
    """Yield (byte in the decompressed file, record) of each record, and a `Malformed` where a record is faulty: no
    header, no length or a wrong one, damaged compression, the end of the file inside of it, or more bytes than
    `longest_record`. Reading goes on at the next header of a record; OSError if there is none within `most` bytes.
    """
    source = _Bytes(blocks, most)
    while True:
        while source.fill(1) and (blank := len(source.data) - len(source.data.lstrip(b"\r\n"))):
            source.skip_filler(blank)
        start = source.position
        if not source.data:
            if source.damage is None:
                return
            yield start, Malformed(source.damage.reason)
            source.resume()
            continue
        found = _record(source, longest_record)
        if isinstance(found, int):
            yield start, source.take(found)
        else:
            yield start, Malformed(found)
            _skip_to_next(source)


def _record(source: _Bytes, longest: int) -> int | str:
    """Return the number of bytes of the record that begins here, or its fault."""
    source.fill(len(MAGIC))
    if not source.data.startswith(MAGIC):
        return source.damage.reason if source.damage else "no header of a WARC record"
    searched = 0
    while (end := _HEADER_END.search(source.data, searched)) is None:
        searched = max(0, len(source.data) - 4)
        if searched > _LONGEST_HEADER:
            return "the header of a WARC record has no end"
        if not source.fill(len(source.data) + 1):
            return source.damage.reason if source.damage else "the file ends inside the header of a WARC record"
    if end.end() > _LONGEST_HEADER:
        return "the header of a WARC record has no end"
    length = _LENGTH.search(source.data, 0, end.end())
    if length is None:
        return "a WARC record without Content-Length"
    stop = end.end() + int(length[1])
    if stop > longest:
        return f"a WARC record of more than {longest} bytes"
    if not source.fill(stop):
        return source.damage.reason if source.damage else "the file ends inside a WARC record, or its length is wrong"
    source.fill(stop + _LONGEST_NEXT)
    behind = source.data[stop : stop + _LONGEST_NEXT].lstrip(b"\r\n")
    if source.damage and not source.damage.begins and not behind:
        return source.damage.reason
    ended = _HEADER_END.match(source.data, stop) is not None  # then what follows may be faulty, but not this record
    if behind and not ended and not MAGIC.startswith(behind[: len(MAGIC)]):
        return "the Content-Length of a WARC record is wrong"
    return stop


def _skip_to_next(source: _Bytes) -> None:
    """Move to the next header of a record, to what follows a damage, or to the end."""
    searched = 0
    while (found := _NEXT.search(source.data, searched)) is None:
        if source.damage:
            source.resume()
            return
        source.skip_filler(max(0, len(source.data) - _LONGEST_NEXT))
        searched = 0
        if not source.fill(len(source.data) + 1) and source.damage is None:
            source.skip(len(source.data))
            return
    source.skip_filler(found.start() + 1)
