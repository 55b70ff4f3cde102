"""Sketches of passages: alike as the passages are."""

import numpy as np
import numpy.typing as npt

from tanuki_jax.corpus.coverage.context_sketch import CONTEXT, similarities, sketches


def sketch(codes: npt.NDArray[np.uint32], start: int, stop: int) -> npt.NDArray[np.uint8]:
    one = [np.array([value], np.int64) for value in (start, stop, 0, len(codes))]
    return sketches(codes, *one)[0]


def grams(codes: npt.NDArray[np.uint32]) -> set[bytes]:
    return {codes[place : place + 3].tobytes() for place in range(len(codes) - 2)}


def test_similarity_is_that_of_the_3_grams() -> None:
    random = np.random.default_rng(0)
    errors = []
    for changed in (0, 5, 15, 30, 60, 150):
        text = random.integers(0x3042, 0x4E00, 150).astype(np.uint32)
        other = text.copy()
        other[random.choice(150, changed, replace=False)] += 7
        one, two = sketch(text, 70, 80), sketch(other, 70, 80)
        exact = len(grams(text) & grams(other)) / len(grams(text) | grams(other))
        errors.append(float(similarities(one[None], two[None])[0]) - exact)
    assert errors[0] == 0 and np.abs(errors).max() < 0.2


def test_only_the_surroundings_count() -> None:
    random = np.random.default_rng(0)
    text = random.integers(0x3042, 0x3090, 400).astype(np.uint32)
    other = text.copy()
    other[: 200 - CONTEXT] += 1
    other[210 + CONTEXT :] += 1
    np.testing.assert_array_equal(sketch(text, 200, 210), sketch(other, 200, 210))
    other[200 - CONTEXT : 230 - CONTEXT] += 1
    assert not np.array_equal(sketch(text, 200, 210), sketch(other, 200, 210))


def test_a_short_document_has_an_empty_sketch() -> None:
    assert not sketch(np.array([1, 2], np.uint32), 0, 2).any()
