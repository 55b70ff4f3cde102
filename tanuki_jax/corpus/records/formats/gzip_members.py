"""Gzip files of many members, read on behind a damaged member."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

_BLOCK = 64 << 10
_LONGEST_BLOCK = 1 << 20
_KEPT = 16 << 20
_MAGIC = b"\x1f\x8b\x08"
_GZIP = 31  # window size of 2^15 bytes, with gzip's header and checksum


class Readable(Protocol):
    """A file that gives its bytes in order."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; none at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Damage:
    """A place at which decompressed bytes are missing."""

    reason: str
    begins: bool
    """Whether the damaged member had given no bytes yet, so that what was given before it is complete."""


class _Members:
    """A gzip file while it is read: the compressed bytes not yet used, and those of the member so far."""

    def __init__(self, file: Readable, first: bytes) -> None:
        self._file = file
        self._first = first
        self._ahead = b""
        self._member = bytearray()

    def __iter__(self) -> Iterator[bytes | Damage]:
        while self._begin_member():
            decoder = zlib.decompressobj(_GZIP)
            given = False
            while not decoder.eof:
                part = self._take()
                if not part:
                    yield Damage("the file ends inside a gzip member", not given)
                    return
                before = decoder.copy()
                try:
                    blocks = [decoder.decompress(part, _LONGEST_BLOCK)]
                    while decoder.unconsumed_tail and not decoder.eof:  # what is behind the member's end stays in both
                        blocks.append(decoder.decompress(decoder.unconsumed_tail, _LONGEST_BLOCK))
                except zlib.error as error:
                    rest = _readable(before, part)
                    if rest:
                        yield rest
                    yield Damage(f"damaged gzip data ({error})", not given and not rest)
                    self._find_next_member()
                    break
                for block in filter(None, blocks):
                    given = True
                    yield block
            else:
                self._ahead = decoder.unused_data + self._ahead

    def _begin_member(self) -> bool:
        """Pass over zeros, which fill a tape. Return whether there is a further member."""
        self._member.clear()
        while True:
            self._ahead = self._ahead.lstrip(b"\0") or self._file.read(_BLOCK)
            if not self._ahead or self._ahead[0]:
                return bool(self._ahead)

    def _take(self) -> bytes:
        part, self._ahead = self._ahead or self._file.read(_BLOCK), b""
        self._member += part
        if len(self._member) > 2 * _KEPT:
            del self._member[:-_KEPT]
        return part

    def _find_next_member(self) -> None:
        """Find the next member that holds what was looked for, inside the bytes that were taken for the damaged one,
        or behind them."""
        held, searched = self._member, 1
        while True:
            found = held.find(_MAGIC, searched)
            if found < 0:
                searched = max(1, len(held) - len(_MAGIC) + 1)
                block = self._file.read(_BLOCK)
                if not block:
                    self._ahead = b""
                    return
                if len(held) > _KEPT:
                    del held[: searched - 1]
                    searched = 1
                held += block
                continue
            if len(held) - found < _BLOCK:
                held += self._file.read(_BLOCK)
            if _readable(zlib.decompressobj(_GZIP), bytes(held[found : found + 4096])).startswith(self._first):
                self._ahead = bytes(held[found:])
                return
            searched = found + 1


def decompressed(file: Readable, first: bytes) -> Iterator[bytes | Damage]:
    """Yield the content of a gzip file in blocks. At a damaged place everything that can be decompressed before it is
    yielded, then a `Damage`, then what the next sound member holds.

    Args:
        file: the compressed file.
        first: the bytes with which the content of every member begins; a member is recognised by them.
    """
    return iter(_Members(file, first))


def _readable(decoder: "zlib._Decompress", part: bytes) -> bytes:
    """Return what can be decompressed of a part before its damage."""
    blocks: list[bytes] = []
    try:
        for start in range(len(part)):
            blocks.append(decoder.decompress(part[start : start + 1]))
    except zlib.error:
        pass
    return b"".join(blocks)
