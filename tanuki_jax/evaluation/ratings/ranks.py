"""Ranks with ties: two models whose intervals overlap are not told apart."""

from collections.abc import Mapping
from typing import NamedTuple


class Rank(NamedTuple):
    """Ranks that the intervals leave open."""

    rank: int
    """One more than the number of models that are surely better (Chatbot Arena's rank): the best that it can be."""
    worst: int
    """Number of models that are not surely worse, itself included."""


def ranks(intervals: Mapping[str, tuple[float, float]]) -> dict[str, Rank]:
    """Return the rank of each model, the best first; equal ones in the given order.

    A model is surely better than another if its interval (low, high) lies wholly above that of the other.
    """
    found = {
        model: Rank(
            1 + sum(other_low > high for other_low, _ in intervals.values()),
            sum(other_high >= low for _, other_high in intervals.values()),
        )
        for model, (low, high) in intervals.items()
    }
    return dict(sorted(found.items(), key=lambda item: item[1]))
