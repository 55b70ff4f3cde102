"""Texts as arrays of hashed character n-grams (shingles)."""

import functools
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tanuki_jax.corpus.cleaning.draft import ENCODING_ERRORS
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.cleaning.duplicates.hash_ranges import Hashes

_CODE_POINTS = 0x110000
_FOLDED_BELOW = 0x20000  # above are rare ideographs, which have no other form, and tags
_WINDOW = 1 << 15
"""Shingles that are hashed at once: their arrays fit a core's cache."""
_GOLDEN = 0x9E3779B97F4A7C15


@dataclass(frozen=True)
class Folded:
    """Normalised texts, one behind the other."""

    codes: npt.NDArray[np.uint32]
    """Code points of all texts."""
    starts: npt.NDArray[np.intp]
    """Index of the first code point of each text, and of the end of the last one."""

    def text(self, index: int) -> memoryview:
        """Return the bytes of one text."""
        return self.codes[self.starts[index] : self.starts[index + 1]].data.cast("B")


def fold(texts: Sequence[str], settings: Duplicates) -> Folded:
    """Return texts as code points, normalised one by one as the settings say."""
    table = _table(settings.fold_case, settings.fold_width, settings.fold_digits, settings.drop_spaces)
    codes = table[np.frombuffer("".join(texts).encode("utf-32-le", ENCODING_ERRORS), np.uint32)]
    starts = np.zeros(len(texts) + 1, np.intp)
    np.cumsum([len(text) for text in texts], out=starts[1:])
    kept = codes != 0
    dropped = np.flatnonzero(~kept)
    return Folded(codes[kept], starts - np.searchsorted(dropped, starts))


def kept_positions(text: str, settings: Duplicates) -> npt.NDArray[np.intp]:
    """Return where in a text the characters of its normalised text are."""
    table = _table(settings.fold_case, settings.fold_width, settings.fold_digits, settings.drop_spaces)
    return np.flatnonzero(table[np.frombuffer(text.encode("utf-32-le", ENCODING_ERRORS), np.uint32)])


def hashed(
    folded: Folded, settings: Duplicates, window: int = _WINDOW
) -> Iterator[tuple[Hashes, npt.NDArray[np.intp]]]:
    """Yield the shingles of all texts as mixed 64-bit hashes, each with the index of its text, in windows of bounded
    size. A text that is shorter than a shingle has none.

    A shingle's hash is a polynomial of its code points modulo 2^64, made for all positions at once by doubling, and
    mixed by two rounds of xor-shift and multiplication.
    """
    length = settings.shingle
    base = ((mix_int(settings.seed) << 1) | 1) & (2**64 - 1)
    last = len(folded.codes) - length + 1
    for start in range(0, last, window):
        stop = min(start + window, last)
        hashes = mix(_polynomials(folded.codes[start : stop + length - 1].astype(np.uint64), length, base))
        first = int(np.searchsorted(folded.starts, start, "right")) - 1
        after = int(np.searchsorted(folded.starts, stop, "left"))
        edges = np.clip(folded.starts[first : after + 1], start, stop)
        owners = np.repeat(np.arange(first, after), np.diff(edges))
        ends = np.clip(folded.starts[first + 1 : after + 1] - length + 1, edges[:-1], stop)
        inside = np.ones(stop - start, np.bool_)
        for end, edge in zip(ends - start, edges[1:] - start, strict=True):
            inside[end:edge] = False  # these would reach into the next text
        yield hashes[inside], owners[inside]


def _polynomials(codes: Hashes, length: int, base: int) -> Hashes:
    """Return the polynomial of every `length` neighbours, from those of half as many."""
    if length == 1:
        return codes
    half = length // 2
    parts = _polynomials(codes, half, base)
    value = parts[: len(parts) - half] * np.uint64(pow(base, half, 2**64))
    value += parts[half:]
    if length % 2:
        value = value[:-1] * np.uint64(base)
        value += codes[length - 1 :]
    return value


def mix(values: Hashes) -> Hashes:
    """Return 64-bit values, changed in place, in which every bit depends on all bits of the argument (degski's
    64-bit mixer: two rounds of xor-shift and multiplication)."""
    for _ in range(2):
        values ^= values >> np.uint64(32)
        values *= np.uint64(0xD6E8FEB86659FD93)
    values ^= values >> np.uint64(32)
    return values


def mix_int(value: int) -> int:
    """Return a 64-bit hash of a number."""
    return int(mix(np.array([(value * _GOLDEN + _GOLDEN) % 2**64], np.uint64))[0])


@functools.cache
def _table(case: bool, width: bool, digits: bool, spaces: bool) -> npt.NDArray[np.uint32]:
    """Return the code point that stands for each code point; 0: it is left out."""
    table = np.arange(_CODE_POINTS, dtype=np.uint32)
    for code in range(_FOLDED_BELOW):
        letter = chr(code)
        if width:
            letter = _one(unicodedata.normalize("NFKC", letter), letter)
        if case:
            letter = _one(letter.casefold(), letter)
        if digits and letter.isdecimal():
            letter = "0"
        if spaces and (letter.isspace() or unicodedata.category(letter) in ("Cc", "Cf")):
            letter = "\0"
        table[code] = ord(letter)
    return table


def _one(form: str, letter: str) -> str:
    """Return a form of a letter if it is one letter too, so that texts keep their length."""
    return form if len(form) == 1 else letter
