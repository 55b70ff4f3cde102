"""Votes of three models that are few enough to count by hand."""

import csv
from collections.abc import Sequence
from pathlib import Path

from tanuki_jax.evaluation.ratings.battles import Battle, Winner

COUNTED: tuple[tuple[str, str, Winner, int], ...] = (
    ("a", "b", "model_a", 6),
    ("b", "a", "model_a", 2),
    ("a", "b", "tie", 1),
    ("b", "a", "both_bad", 1),
    ("b", "c", "model_a", 7),
    ("b", "c", "model_b", 3),
)
"""Models, winner and number of votes: a won 6 + 1 of 10 against b, b won 7 of 10 against c, and a never met c."""
ROWS = [(a, b, winner) for a, b, winner, times in COUNTED for _ in range(times)]


def made_votes() -> list[Battle]:
    """Return the 20 votes."""
    return [Battle(a, b, winner) for a, b, winner in ROWS]


def write_votes(path: Path, rows: Sequence[Sequence[object]] = ROWS, more: Sequence[str] = ()) -> Path:
    """Write rows of votes as CSV with a header, which has more columns than the first three."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["model_a", "model_b", "winner", *more], *rows])
    return path
