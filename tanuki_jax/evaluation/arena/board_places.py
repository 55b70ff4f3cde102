"""Places of models on a board: by rating, and those that the intervals leave open."""

from typing import NamedTuple

from tanuki_jax.evaluation.ratings.bootstrap_ratings import Board, RatedModel
from tanuki_jax.evaluation.ratings.ranks import Rank, ranks

_SAME = 6
"""Decimals up to which two ratings are compared: equal results differ by the rounding of the fit."""


class Place(NamedTuple):
    """Place of a model."""

    rank: int
    """One more than the number of models with a higher rating."""
    possible: Rank
    """Ranks that the intervals leave open."""
    rated: RatedModel


def places(board: Board) -> dict[str, Place]:
    """Return the places of the models of a board, the best first."""
    possible = ranks({model: (rated.low, rated.high) for model, rated in board.models.items()})
    ratings = [round(rated.rating, _SAME) for rated in board.models.values()]
    return {
        model: Place(1 + sum(other > round(rated.rating, _SAME) for other in ratings), possible[model], rated)
        for model, rated in board.models.items()
    }
