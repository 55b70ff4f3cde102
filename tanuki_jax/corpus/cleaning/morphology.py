"""Morphemes of Japanese texts, by MeCab (fugashi) with the IPA dictionary."""

import functools
import re
from collections.abc import Callable
from typing import NamedTuple

_PIECE = re.compile(r"[^。！？]{0,400}[。！？]{0,100}")
_SURROGATES = re.compile("[\ud800-\udfff]")
# The shortest form in which MeCab can write what is needed, one field behind the other: cutting it at the tabs costs a
# tenth of visiting MeCab's nodes.
_FORMAT = r" -F%m\\t%f[0]\\t%f[1]\\t%f[6]\\t -U%m\\t%f[0]\\t%f[1]\\t*\\t -E\\n"


class Morpheme(NamedTuple):
    """A morpheme with its classes in the IPA dictionary."""

    surface: str
    part_of_speech: str
    """Class, such as 名詞 (noun), 記号 (symbol), 助詞 (particle)."""
    detail: str
    """Class below that, such as 固有名詞 (proper noun) or 数 (number); empty if there is none."""
    base: str
    """Form in which a dictionary lists it; * if the word is unknown."""


def morphemes(line: str) -> tuple[Morpheme, ...]:
    """Return the morphemes of one line. White space is no morpheme, but the ideographic space is a symbol."""
    return _analysed.line(line)


class _Analysis:
    """Morphemes of the lines that were asked for last, so that several rules share one analysis of a text."""

    def __init__(self, characters: int) -> None:
        self._room = characters
        self._used = 0
        self._lines: dict[str, tuple[Morpheme, ...]] = {}

    def line(self, line: str) -> tuple[Morpheme, ...]:
        found = self._lines.get(line)
        if found is None:
            if self._used > self._room:
                self._lines.clear()
                self._used = 0
            found = self._lines[line] = _analyse(line)
            self._used += len(line)
        return found


_analysed = _Analysis(1 << 16)


def _analyse(line: str) -> tuple[Morpheme, ...]:
    parse = _tagger()
    # MeCab takes a time that grows with the square of the length, and a megabyte without an end crashes it.
    pieces = [line] if len(line) <= 400 else _PIECE.findall(line)
    found: list[Morpheme] = []
    for piece in pieces:
        clean = _SURROGATES.sub("\ufffd", piece.replace("\0", " ").replace("\t", " "))
        fields = parse(clean).split("\t")
        found += map(Morpheme, fields[::4], fields[1::4], fields[2::4], fields[3::4])
    return tuple(found)


@functools.cache
def _tagger() -> Callable[[str], str]:
    """Return MeCab, which each process starts once."""
    import fugashi
    import ipadic

    parse: Callable[[str], str] = fugashi.GenericTagger(ipadic.MECAB_ARGS + _FORMAT).parse
    return parse
