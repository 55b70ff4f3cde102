"""Spellings of words in texts: all of them in one pass (Aho and Corasick 1975)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tanuki_jax.corpus.cleaning.character_classes import numbered
from tanuki_jax.corpus.coverage.normalized_batch import NormalizedBatch

_SCRIPTS = {
    1: ("AZ", "az", "Àɏ", "Ḁỿ"),
    2: ("09",),
    3: ("ァヺ", "ーー", "ㇰㇿ"),
    4: ("Ͱϡ", "ἀῼ"),
    5: ("Ѐԯ",),
}
"""Latin letters, digits, katakana, Greek and Cyrillic: first and last characters of ranges. Words of other scripts,
such as kanji, hiragana and hangul, have no boundaries that a character could show."""


class Found(NamedTuple):
    """Places of spellings, in the order of the texts."""

    spelling: npt.NDArray[np.int64]
    """int64[H], number of the spelling."""
    document: npt.NDArray[np.int64]
    """int64[H], number of the document in the batch."""
    start: npt.NDArray[np.int64]
    """int64[H], place of its first character in the batch."""
    stop: npt.NDArray[np.int64]


class SpellingFinder:
    """Spellings, ready to be found.

    All places count, also those that overlap. A spelling that begins or ends with a letter of an alphabet, katakana or
    a digit does not count where its neighbour on that side is of the same kind: アリ is not in アリス, nor 12 in 128.
    """

    def __init__(self, spellings: Sequence[tuple[str, bool]]) -> None:
        """Take (spelling after NFKC, whether it also counts inside longer words)."""
        from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

        self._automaton = BytesAhoCorasick(
            [spelling.encode() for spelling, _ in spellings],
            matchkind=MatchKind.Standard,
            implementation=Implementation.ContiguousNFA,
        )
        self._scripts = numbered(_SCRIPTS)
        self._scripts[[ord("×"), ord("÷")]] = 0
        edges = [(0, 0) if inside else (ord(text[0]), ord(text[-1])) for text, inside in spellings]
        self._edges = self._scripts[np.array(edges, np.int64).reshape(-1, 2)]

    def find(self, batch: NormalizedBatch) -> Found:
        """Find all spellings in the documents of a batch."""
        utf8 = batch.codes.tobytes().decode("utf-32-le").encode()
        matches = np.array(self._automaton.find_matches_as_indexes(utf8, overlapping=True), np.int64).reshape(-1, 3)
        if not len(matches):
            return Found(*np.zeros((4, 0), np.int64))
        codes = batch.codes
        widths = 1 + (codes > 0x7F).astype(np.int8) + (codes > 0x7FF) + (codes > 0xFFFF)
        places = np.concatenate([np.zeros(1, np.int32), np.cumsum(widths, dtype=np.int32)])
        start, stop = np.searchsorted(places, matches[:, 1]), np.searchsorted(places, matches[:, 2])
        before = np.where(start > 0, self._scripts[codes[start - 1]], 0)
        after = self._scripts[codes[stop]]  # a 0 is behind the last document
        edges = self._edges[matches[:, 0]]
        whole = ((edges[:, 0] == 0) | (edges[:, 0] != before)) & ((edges[:, 1] == 0) | (edges[:, 1] != after))
        document = np.searchsorted(batch.starts, start, side="right") - 1
        return Found(matches[whole, 0], document[whole], start[whole], stop[whole])
