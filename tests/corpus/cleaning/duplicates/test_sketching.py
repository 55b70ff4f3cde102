import dataclasses
import random
from typing import Any

import numpy as np
import pytest

from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.cleaning.duplicates.shingles import fold
from tanuki_jax.corpus.cleaning.duplicates.sketching import EMPTY, Signatures, densify, sign

SETTINGS = Duplicates()
HIRAGANA = [chr(code) for code in range(0x3041, 0x3096)]


def signed(*texts: str, **changes: Any) -> Signatures:
    settings = dataclasses.replace(SETTINGS, **changes)
    return sign(fold(texts, settings), settings)


def random_text(rng: random.Random, length: int) -> str:
    return "".join(rng.choices(HIRAGANA, k=length))


def test_a_signature_depends_on_its_text_alone() -> None:
    rng = random.Random(0)
    texts = [random_text(rng, length) for length in (3, 40, 5, 2000, 70_000, 900)]
    together, reverse = signed(*texts), signed(*texts[::-1])
    assert np.array_equal(together.keys[1:], reverse.keys[::-1][1:])
    for index, text in enumerate(texts):
        alone = signed(text)
        assert np.array_equal(alone.keys[0], together.keys[index])
        start = int(together.sketch_lengths[:index].sum())
        assert np.array_equal(alone.sketch, together.sketch[start : start + int(alone.sketch_lengths[0])])
    assert not np.array_equal(signed(texts[1], seed=1).keys, together.keys[1:2])


@pytest.mark.parametrize("length", [40, 200, 1000])
def test_bands_agree_as_often_as_the_similarity_says(length: int) -> None:
    """A band of one row agrees with the probability of the Jaccard similarity (Broder 1997), also where most bins
    were filled by densification."""
    rng = random.Random(length)
    shares = []
    for _ in range(60):
        shared, a, b = (random_text(rng, length // 2) for _ in range(3))
        keys = signed(shared + a, shared + b, rows=1, bands=384).keys
        shares.append((keys[0] == keys[1]).mean())
    size, common = length - 4, length // 2 - 4
    expected = common / (2 * size - common)
    error = np.std(shares) / len(shares) ** 0.5
    assert abs(np.mean(shares) - expected) < 4 * error
    assert np.std(shares) < 2 * (expected * (1 - expected) / min(384, size)) ** 0.5


def test_long_texts_are_sampled_at_the_same_shingles() -> None:
    rng = random.Random(1)
    text = random_text(rng, 100_000)
    whole, half = signed(text), signed(text[:50_000])
    assert 512 <= whole.sketch_lengths[0] < 1100
    assert whole.levels[0] == half.levels[0] + 1
    limit = 1 << 32 - int(whole.levels[0])
    assert set(half.sketch[half.sketch < limit]) < set(whole.sketch)


def test_a_text_shorter_than_a_shingle_has_none() -> None:
    result = signed("", "あい", "あいうえお")
    assert result.counts.tolist() == [0, 0, 1]
    assert result.sketch_lengths.tolist() == [0, 0, 1]


def test_densification_fills_a_row_with_its_own_minima() -> None:
    minima = np.full((3, 64), EMPTY, np.uint32)
    minima[0, 5] = 7
    minima[2, [1, 60]] = [3, 4]
    dense = densify(minima, np.array([True, False, True]))
    assert set(dense[0]) == {7} and set(dense[1]) == {EMPTY} and set(dense[2]) == {3, 4}
    assert (dense[2, 1], dense[2, 60]) == (3, 4)
    assert 15 < (dense[2] == 3).sum() < 50
