"""Options of `arena rate`."""

import dataclasses
from typing import Literal

import tyro

from tanuki_jax.config.limits import NonNegativeInt, PositiveInt


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rate:
    """Rate models from files of blind votes: a board as CSV, and beside it a page with its charts."""

    votes: tyro.conf.Positional[tuple[str, ...]]
    """Files of votes, .csv or .jsonl, the earliest first: the order of the votes matters for ratings over time."""
    output: str
    """CSV file for the board; the page is written beside it, with .html at the end of its name."""
    anchor: str = ""
    """Model with a rating of 1000, from which the others are counted; it must be named."""
    unit: Literal["battle", "voter", "cluster"] = "battle"
    """Unit that is drawn anew for the intervals: votes if they are independent of each other, else voters or clusters
    with all of their votes."""
    repetitions: PositiveInt = 1_000
    """Number of times that the votes are drawn anew."""
    seed: NonNegativeInt = 0
    """Seed of the draws."""
    style: tuple[Literal["length", "lists", "headings", "bold"], ...] = ()
    """Features of style to control for, which all votes must state; none: those that the files have."""
