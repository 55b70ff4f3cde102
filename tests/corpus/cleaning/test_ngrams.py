from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.corpus.cleaning.ngrams import Hashes, extended, repeated_share, top_share

TEXTS = st.text(st.sampled_from("abc"), min_size=1, max_size=40)


def hashes(text: str, length: int) -> Hashes:
    symbols = np.array([ord(character) for character in text], np.uint64)
    found = symbols
    for longer in range(2, length + 1):
        found = extended(found, symbols, longer)
    return found


def grams(text: str, length: int) -> list[str]:
    return [text[start : start + length] for start in range(len(text) - length + 1)]


def covered(starts: list[int], length: int) -> int:
    return len({place for start in starts for place in range(start, start + length)})


@given(TEXTS, st.integers(1, 6))
def test_equal_ngrams_have_equal_hashes_and_others_do_not(text: str, length: int) -> None:
    pairs = set(zip(hashes(text, length).tolist(), grams(text, length), strict=True))
    assert len(pairs) == len({gram for _, gram in pairs}) == len({code for code, _ in pairs})


def test_bigrams_of_all_kana_have_different_hashes() -> None:
    text = "".join(chr(first) + chr(second) for first in range(0x3041, 0x3097) for second in range(0x3041, 0x3097))
    assert len(set(hashes(text, 2).tolist())) == len(set(grams(text, 2)))


@given(TEXTS, st.integers(1, 6))
def test_repeated_share_counts_each_place_once(text: str, length: int) -> None:
    parts = grams(text, length)
    again = [start for start, gram in enumerate(parts) if gram in parts[:start]]
    share = repeated_share(hashes(text, length), length, len(text))
    assert share == pytest.approx(covered(again, length) / len(text))


@given(TEXTS, st.integers(1, 6))
def test_top_share_is_that_of_a_most_frequent_ngram(text: str, length: int) -> None:
    parts = grams(text, length)
    most = max(Counter(parts).values(), default=0)
    shares = [
        covered([start for start, gram in enumerate(parts) if gram == top], length) / len(text)
        for top, count in Counter(parts).items()
        if count == most > 1
    ]
    assert any(abs(top_share(hashes(text, length), length, len(text)) - share) < 1e-12 for share in shares or [0.0])
