"""Numbers of how corpora mix: at chance for halves of one, and shares given back."""

import numpy as np
import pytest

from tanuki_jax.corpus.maps.embedders import embed_ngrams
from tanuki_jax.corpus.maps.separation import control, separation, share_of_second
from tests.corpus.maps.two_corpora import texts_of


def test_two_corpora_are_told_apart_and_two_halves_are_not() -> None:
    vectors = embed_ngrams([*texts_of(0, 300), *texts_of(1, 300)], seed=0)
    apart, halves = separation(vectors[:300], vectors[300:], seed=0), control(vectors[:300], seed=0)
    assert apart.auc > 0.95 and apart.foreign < 0.2 and apart.by_chance == pytest.approx(0.5, abs=0.01)
    assert halves.auc == pytest.approx(0.5, abs=0.06) and halves.foreign == pytest.approx(0.5, abs=0.04)
    assert halves.auc_low < 0.5 < halves.auc_high and apart.auc_low > 0.9


def test_equal_texts_are_no_neighbours_of_themselves() -> None:
    vectors = np.eye(12, dtype=np.float32)[[0, 1, 2, 3] * 6]
    found = separation(vectors[:12], vectors[12:], seed=0)
    assert 0 < found.foreign < 1


@pytest.mark.parametrize(
    "share", [0.1, pytest.param(0.3, marks=pytest.mark.thorough), pytest.param(0.5, marks=pytest.mark.thorough)]
)
def test_a_mixture_gives_its_share_back(share: float) -> None:
    second = round(400 * share)
    mixture = [*texts_of(0, 400 - second, seed=1), *texts_of(1, second, seed=1)]
    vectors = embed_ngrams([*texts_of(0, 500), *texts_of(1, 500), *mixture], seed=0)
    assert share_of_second(vectors[:500], vectors[500:1000], vectors[1000:], 0) == pytest.approx(share, abs=0.05)
