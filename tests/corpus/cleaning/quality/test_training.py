import numpy as np
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.quality.labelled import Labelled
from tanuki_jax.corpus.cleaning.quality.training import COST, dual_coordinate_descent, folds_of, platt, train


def test_stories_and_offers_are_told_apart(labelled: list[Labelled]) -> None:
    model = train([one.text for one in labelled], [one.good for one in labelled])
    assert model.score("狐は森で友だちを待っていた。それは畑での話だ。") > 0.8
    assert model.score("布団が激安通販!送料無料 掃除機 最安値") < 0.2


def test_the_same_texts_give_the_same_model(labelled: list[Labelled]) -> None:
    texts, good = [one.text for one in labelled[:60]], [one.good for one in labelled[:60]]
    first, again = train(texts, good), train(texts, good)
    assert np.array_equal(first.weights, again.weights)
    assert (first.slope, first.offset) == (again.slope, again.offset)


def test_too_few_labels_are_refused() -> None:
    with pytest.raises(InputError, match="at least 10"):
        train(["猫がいる。"] * 20, [True] * 11 + [False] * 9)


def test_weights_meet_the_conditions_of_the_optimum() -> None:
    """Karush, Kuhn and Tucker's: the weights are the best ones if the duality gap is zero."""
    random = np.random.default_rng(0)
    dense = random.normal(size=(60, 8)).astype(np.float32)
    good = dense[:, 0] + random.normal(size=60) > 0
    texts = [(np.arange(8), row) for row in dense]
    weights = dual_coordinate_descent(texts, good, 8, 0, tolerance=1e-6, epochs=5000)
    signs = np.where(good, 1, -1)
    slack = np.maximum(1 - signs * (dense @ weights), 0)
    best = 0.5 * float(weights @ weights) + COST * float(slack.sum())
    for _ in range(200):
        other = weights + random.normal(scale=0.01, size=8)
        other_slack = np.maximum(1 - signs * (dense @ other), 0)
        assert 0.5 * float(other @ other) + COST * float(other_slack.sum()) >= best - 1e-4


def test_probabilities_are_those_that_margins_were_drawn_from() -> None:
    random = np.random.default_rng(0)
    margins = random.normal(size=20_000)
    good = random.uniform(size=20_000) < 1 / (1 + np.exp(-(2 * margins - 0.5)))
    assert platt(margins, good) == pytest.approx((2, -0.5), abs=0.1)


def test_folds_are_of_equal_size() -> None:
    assert sorted(np.bincount(folds_of(22, 5, 0)).tolist()) == [4, 4, 4, 5, 5]
    assert not np.array_equal(folds_of(22, 5, 0), folds_of(22, 5, 1))
