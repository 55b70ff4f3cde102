import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.corpus.cleaning.ngrams import (
    Hashes,
    bound_of_most_frequent,
    count_again,
    covered,
    extended,
    repeats,
)

TEXTS = st.text(st.sampled_from("abc"), min_size=1, max_size=40)


def hashes(text: str, length: int) -> Hashes:
    symbols = np.array([ord(character) for character in text], np.uint64)
    found = symbols
    for longer in range(2, length + 1):
        found = extended(found, symbols, longer)
    return found


def grams(text: str, length: int) -> list[str]:
    return [text[start : start + length] for start in range(len(text) - length + 1)]


@given(TEXTS, st.integers(1, 6))
def test_equal_ngrams_have_equal_hashes_and_others_do_not(text: str, length: int) -> None:
    pairs = set(zip(hashes(text, length).tolist(), grams(text, length), strict=True))
    assert len(pairs) == len({gram for _, gram in pairs}) == len({code for code, _ in pairs})


def test_bigrams_of_all_kana_have_different_hashes() -> None:
    text = "".join(chr(first) + chr(second) for first in range(0x3041, 0x3097) for second in range(0x3041, 0x3097))
    assert len(set(hashes(text, 2).tolist())) == len(set(grams(text, 2)))


@given(TEXTS, st.integers(1, 6))
def test_repeats_are_those_found_by_looking_at_all_pairs(text: str, length: int) -> None:
    parts = grams(text, length)
    found = repeats(hashes(text, length))
    assert found.again.tolist() == [place for place, gram in enumerate(parts) if gram in parts[:place]]
    most = max(map(parts.count, parts), default=0)
    tops = [[place for place, gram in enumerate(parts) if gram == top] for top in parts if parts.count(top) == most > 1]
    assert found.top.tolist() in (tops or [[]])


@given(TEXTS, st.integers(1, 6))
def test_counts_agree_with_the_places(text: str, length: int) -> None:
    codes = hashes(text, length)
    assert count_again(codes) == len(repeats(codes).again)
    assert bound_of_most_frequent(codes) >= max(len(repeats(codes).top), min(len(codes), 1))


@given(st.sets(st.integers(0, 30)), st.integers(1, 6))
def test_covered_places_count_once(starts: set[int], length: int) -> None:
    places = {place for start in starts for place in range(start, start + length)}
    assert covered(np.array(sorted(starts), np.int64), length) == len(places)
