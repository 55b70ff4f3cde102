import dataclasses

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.cleaning.duplicates.shingles import fold, hashed

EXACT = Duplicates(fold_case=False, fold_width=False, drop_spaces=False)


def folded_text(text: str, **settings: bool) -> str:
    return bytes(fold([text], dataclasses.replace(EXACT, **settings)).text(0)).decode("utf-32-le")


def test_each_setting_folds_one_kind_of_difference() -> None:
    text = "ＡＢc ｱ1２\n三"
    assert folded_text(text) == text
    assert folded_text(text, fold_width=True) == "ABc ア12\n三"
    assert folded_text(text, fold_case=True) == "ａｂc ｱ1２\n三"
    assert folded_text(text, fold_digits=True) == "ＡＢc ｱ00\n三"
    assert folded_text(text, drop_spaces=True) == "ＡＢcｱ1２三"


def test_lone_surrogates_and_empty_texts_are_texts() -> None:
    folded = fold(["", "\ud800", "", "ab", ""], EXACT)
    assert folded.starts.tolist() == [0, 0, 1, 1, 3, 3]
    assert folded.codes.tolist() == [0xD800, ord("a"), ord("b")]


@given(
    st.lists(st.text("abcあい \n", max_size=30), max_size=12),
    st.integers(1, 7),
    st.integers(1, 40),
    st.booleans(),
)
def test_shingles_are_equal_iff_their_characters_are(texts: list[str], length: int, window: int, spaces: bool) -> None:
    settings = dataclasses.replace(EXACT, shingle=length, drop_spaces=spaces)
    found: list[list[int]] = [[] for _ in texts]
    for hashes, owners in hashed(fold(texts, settings), settings, window):
        for value, owner in zip(hashes.tolist(), owners.tolist(), strict=True):
            found[owner].append(value)
    names: dict[str, int] = {}
    for text, values in zip(texts, found, strict=True):
        normal = "".join(text.split()) if spaces else text
        grams = [normal[start : start + length] for start in range(len(normal) - length + 1)]
        assert len(grams) == len(values)
        for gram, value in zip(grams, values, strict=True):
            assert names.setdefault(gram, value) == value
    assert len(set(names.values())) == len(names)


def test_hashes_are_uniform() -> None:
    settings = Duplicates()
    rng = np.random.default_rng(0)
    text = "".join(map(chr, rng.integers(0x3041, 0x3096, 100_000)))
    values = np.concatenate([hashes for hashes, _ in hashed(fold([text], settings), settings)])
    for bits in (0, 20, 40, 58):
        counts = np.bincount(((values >> np.uint64(bits)) & np.uint64(63)).astype(np.intp), minlength=64)
        assert ((counts - len(values) / 64) ** 2 / (len(values) / 64)).sum() < 120  # chi-square, 63 degrees
