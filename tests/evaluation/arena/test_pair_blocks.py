"""Results of pairs beside the prediction of the ratings."""

import math

import numpy as np
import pytest

from tanuki_jax.evaluation.arena.pair_blocks import (
    meetings_block,
    pairs_block,
    predicted_matrix,
    score_matrices,
    surprise,
    surprises_block,
)
from tanuki_jax.evaluation.arena.rated_votes import Draw, rate_all
from tanuki_jax.evaluation.ratings.battles import Battle
from tanuki_jax.evaluation.ratings.win_rates import PairResult, pair_results
from tests.evaluation.arena.made_votes import made_votes

RATINGS = {"a": 1100.0, "b": 1000.0, "c": 900.0}


def test_scores_and_counts_stand_at_both_places_of_a_pair() -> None:
    scores, counts = score_matrices(["a", "b", "c"], pair_results(made_votes(), RATINGS))
    nan = math.nan
    np.testing.assert_allclose(scores, [[nan, 0.7, nan], [0.3, nan, 0.7], [nan, 0.3, nan]])
    np.testing.assert_array_equal(counts, [[0, 10, 0], [10, 0, 10], [0, 10, 0]])


def test_predictions_are_those_of_400_points_for_ten_to_one() -> None:
    predicted = predicted_matrix([1400.0, 1000.0])
    np.testing.assert_allclose(predicted, [[math.nan, 10 / 11], [1 / 11, math.nan]])


def test_a_deviation_is_in_standard_deviations_of_the_votes() -> None:
    result = PairResult("a", "b", 25, 15, 10, 0, 0, score=0.6, predicted=0.5)
    assert surprise(result) == pytest.approx(1.0)  # sqrt(.25 / 25) = .1


def test_the_pair_farthest_from_the_prediction_comes_first() -> None:
    block = surprises_block(pair_results(made_votes(), {"a": 1400.0, "b": 1000.0, "c": 900.0}))
    assert [row.cells for row in block.rows] == [
        ["a", "b", "70.0%", "90.9%", "-2.3", "10", "6", "2", "1", "1"],
        ["b", "c", "70.0%", "64.0%", "+0.4", "10", "7", "3", "0", "0"],
    ]


def test_the_part_on_meetings_counts_pairs_and_the_first_model() -> None:
    rated = rate_all(made_votes(), "b", Draw(repetitions=20))
    block = meetings_block(rated, pair_results(rated.battles, RATINGS))
    assert "2 of 3 pairs met, with 0 to 10 votes. Model A won 83.3% of the 18 votes with a winner;" in block.note
    assert len(block.pictures) == 1


def test_votes_without_a_winner_say_nothing_of_the_first_model() -> None:
    rated = rate_all([Battle("a", "b", "tie"), Battle("a", "b", "both_bad")], "b", Draw(repetitions=20))
    block = meetings_block(rated, pair_results(rated.battles, RATINGS))
    assert "1 of 1 pair met, with 2 to 2 votes." in block.note and "Model A" not in block.note


def test_scores_and_predictions_have_a_picture_each() -> None:
    rated = rate_all(made_votes(), "b", Draw(repetitions=20))
    measured, predicted = pairs_block(rated, pair_results(rated.battles, RATINGS)).pictures
    assert measured.png != predicted.png
    assert predicted.description.startswith("score of the row's model that the ratings predict")
