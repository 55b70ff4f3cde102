"""Groups of copies among passages."""

import numpy as np
import pytest

from tanuki_jax.corpus.coverage.context_sketch import sketches
from tanuki_jax.corpus.coverage.merge_copies import groups_of_copies

LENGTH, WORDS = 150, slice(64, 80)
"""Passages have some words in common, as those about one fact have."""


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("edit", ["scattered", "replaced"])
def test_copies_with_a_fifth_changed_are_one_group_and_others_are_not(edit: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    words = random.integers(0x3042, 0x3096, LENGTH)[WORDS]
    passages, origins = [], []
    for origin in range(100):
        original = random.integers(0x3042, 0x3096 + 400, LENGTH)
        original[WORDS] = words
        for share in (0, 0, 0.05, 0.05, 0.2, 0.2):
            count, copy = int(share * LENGTH), original.copy()
            first = random.integers(0, LENGTH - count)
            places = random.choice(LENGTH, count, replace=False) if edit == "scattered" else first + np.arange(count)
            copy[places] = random.integers(0x3042, 0x3096 + 400, count)
            passages.append(copy)
            origins.append(origin)
    order = random.permutation(len(passages))
    codes = np.concatenate([passages[number] for number in order]).astype(np.uint32)
    begin = np.arange(len(order)) * LENGTH
    groups = groups_of_copies(sketches(codes, begin + 70, begin + 80, begin, begin + LENGTH))
    assert abs(len(groups) - 100) <= 2
    mixed = [group for group in groups if len({origins[order[number]] for number in group}) > 1]
    assert not mixed and sorted(number for group in groups for number in group) == [*range(len(order))]


def test_many_equal_passages_are_one_group() -> None:
    random = np.random.default_rng(0)
    one, other = random.integers(1, 256, (2, 64)).astype(np.uint8)
    assert groups_of_copies(np.array([one] * 5000 + [other])) == [[*range(5000)], [5000]]
    assert groups_of_copies(np.zeros((0, 64), np.uint8)) == []


def test_short_passages_are_copies_too() -> None:
    random = np.random.default_rng(0)
    texts = [random.integers(0x3042, 0x3096 + 400, 12) for _ in range(50)]
    copies = [np.append(text[:-1], random.integers(0x4E00, 0x9000)) for text in texts]
    codes, begin = np.concatenate([*texts, *copies]).astype(np.uint32), np.arange(100) * 12
    groups = groups_of_copies(sketches(codes, begin + 4, begin + 6, begin, begin + 12))
    assert sorted(map(tuple, groups)) == [(number, number + 50) for number in range(50)]
