"""Features of a text for a linear model: hashed n-grams of characters and morphemes, and a profile of numbers."""

import functools
import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tanuki_jax.corpus.cleaning.character_classes import codepoints
from tanuki_jax.corpus.cleaning.morphology import Morpheme, morphemes
from tanuki_jax.corpus.cleaning.ngrams import Hashes, extended
from tanuki_jax.corpus.cleaning.text_statistics import statistics_of
from tanuki_jax.corpus.cleaning.vocabulary import matcher

CHARACTERS = 5000
"""Number of characters at the beginning of a text that are judged."""
BUCKETS = 1 << 20
"""Number of hashes that n-grams of a view fall into."""
_SPACES = re.compile(r"\s+")
_GRAMMATICAL = frozenset(["助詞", "助動詞", "記号", "接続詞", "感動詞", "フィラー", "連体詞", "副詞"])
_PARTS_OF_SPEECH = ("名詞", "動詞", "助詞", "助動詞", "記号", "形容詞", "副詞", "感動詞", "接続詞", "連体詞")
_DETAILS = ("名詞固有名詞", "名詞数", "名詞サ変接続", "名詞代名詞", "助詞終助詞", "名詞接尾")
_VOCABULARIES = ("advertisement_ja", "adult_ja", "board_ja", "noise_ja")


class Grams(NamedTuple):
    """The n-grams of a text in one view."""

    buckets: npt.NDArray[np.int64]
    """Their buckets, each once, ascending."""
    counts: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class View:
    """A way to read a text as a sequence of symbols, whose n-grams are features."""

    symbols: Callable[[str, Sequence[Morpheme]], Hashes]
    longest: int
    """Greatest n of the n-grams; the least is 1."""
    least_documents: int
    """Least number of documents in which training must see an n-gram."""


@functools.lru_cache(1 << 16)
def _hash(symbol: str) -> int:
    return int.from_bytes(hashlib.blake2b(symbol.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _hashes(symbols: list[str]) -> Hashes:
    return np.fromiter(map(_hash, symbols), np.uint64, len(symbols))


def _characters(text: str, _: Sequence[Morpheme]) -> Hashes:
    return codepoints(_SPACES.sub(" ", text.lower())).astype(np.uint64)


def _base_forms(_: str, found: Sequence[Morpheme]) -> Hashes:
    return _hashes([base_form(morpheme) for morpheme in found])


def _grammar(_: str, found: Sequence[Morpheme]) -> Hashes:
    return _hashes(
        [
            base_form(morpheme)
            if morpheme.part_of_speech in _GRAMMATICAL
            else morpheme.part_of_speech + morpheme.detail
            for morpheme in found
        ]
    )


VIEWS: Mapping[str, View] = {
    "characters": View(_characters, 4, 2),
    "base_forms": View(_base_forms, 2, 1),
    "grammar": View(_grammar, 4, 2),
}
"""Name -> view. `grammar` keeps particles and the like and replaces words of content by their class."""


def base_form(morpheme: Morpheme) -> str:
    """Return the form in which a dictionary lists a morpheme; an unknown one is its own."""
    return morpheme.surface if morpheme.base == "*" else morpheme.base


def normalized(text: str) -> tuple[str, tuple[Morpheme, ...]]:
    """Return the part of a text that is judged, in NFKC, and its morphemes."""
    text = unicodedata.normalize("NFKC", text[:CHARACTERS])
    return text, tuple(morpheme for line in text.split("\n") for morpheme in morphemes(line))


def grams_of(view: View, text: str, found: Sequence[Morpheme]) -> Grams:
    """Return the n-grams of a text that was `normalized`."""
    symbols = view.symbols(text, found)
    hashes = symbols
    every = [symbols]
    for length in range(2, view.longest + 1):
        hashes = extended(hashes, symbols, length)
        # Without its length a bigram of one symbol could meet a unigram of another.
        every.append(hashes + np.uint64(length))
    mixed = np.concatenate(every) * np.uint64(0x9E3779B97F4A7C15)
    buckets, counts = np.unique((mixed >> np.uint64(44)).astype(np.uint32), return_counts=True)  # short ones sort fast
    return Grams(buckets.astype(np.int64), counts)


def profile_of(text: str, found: Sequence[Morpheme]) -> npt.NDArray[np.float64]:
    """Return the numbers that describe a text that was `normalized`: statistics, parts of speech, vocabularies."""
    count = max(len(found), 1)
    kinds = Counter([morpheme.part_of_speech for morpheme in found])
    details = Counter([morpheme.part_of_speech + morpheme.detail for morpheme in found])
    distinct = [matcher(vocabulary).distinct(text) for vocabulary in _VOCABULARIES]
    numbers = [
        *statistics_of(text).values(),
        *(kinds[kind] / count for kind in _PARTS_OF_SPEECH),
        *(details[detail] / count for detail in _DETAILS),
        len(text),
        *distinct,
        *(100 * words / max(len(text), 50) for words in distinct),
    ]
    return np.log1p(10 * np.array(numbers))
