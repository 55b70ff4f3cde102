"""Rows of the board: for a CSV file, and as cells for the page and the terminal."""

import csv
import io
import math
from typing import NamedTuple

from tanuki_jax.evaluation.arena.board_places import Place, places
from tanuki_jax.evaluation.arena.rated_votes import RatedVotes

COLUMNS = (
    "model",
    "rank",
    "rank_low",
    "rank_high",
    "rating",
    "low",
    "high",
    "win_rate",
    "score",
    "battles",
    "wins",
    "losses",
    "ties",
    "both_bad",
)
STYLE_COLUMNS = ("style_rank", "style_rating", "style_low", "style_high")
"""Columns of the ratings at equal style, if there are any."""
HEAD = (
    "model",
    "rank",
    "possible ranks",
    "rating [95% interval]",
    "win rate",
    "score",
    "votes",
    "wins",
    "losses",
    "ties",
    "both bad",
)
"""Names of the columns of `board_cells`."""


class Span(NamedTuple):
    """A value and its 95% interval, whose bounds may be infinite."""

    value: float
    low: float
    high: float


def as_csv(rated: RatedVotes) -> str:
    """Return the board as CSV, the best model first; a bound that the votes do not hold is `inf` or `-inf`."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    styled = places(rated.style.board) if rated.style else {}
    writer.writerow([*COLUMNS, *(STYLE_COLUMNS if styled else ())])
    for model, place in places(rated.board).items():
        result = rated.results[model]
        writer.writerow(
            [
                model,
                place.rank,
                place.possible.rank,
                place.possible.worst,
                *_rounded(place),
                f"{result.win_rate:.4f}",
                f"{result.score:.4f}",
                *result,
                *((styled[model].rank, *_rounded(styled[model])) if styled else ()),
            ]
        )
    return file.getvalue()


def _rounded(place: Place) -> list[str]:
    return [f"{value:.2f}" for value in (place.rated.rating, place.rated.low, place.rated.high)]


def board_cells(rated: RatedVotes) -> list[list[str]]:
    """Return the cells of the board, a row a model, the best first."""
    rows = []
    for model, place in places(rated.board).items():
        result = rated.results[model]
        rows.append(
            [
                model,
                str(place.rank),
                possible_ranks(place),
                with_interval(rating_span(place), ".0f"),
                f"{result.win_rate:.1%}",
                f"{result.score:.1%}",
                *(f"{count:,}" for count in result),
            ]
        )
    return rows


def rating_span(place: Place) -> Span:
    """Return the rating of a place with its interval."""
    return Span(place.rated.rating, place.rated.low, place.rated.high)


def possible_ranks(place: Place) -> str:
    """Return the ranks that the intervals leave open, as in `2–5`."""
    first, last = place.possible
    return str(first) if first == last else f"{first}–{last}"


def with_interval(span: Span, form: str) -> str:
    """Return a value with its interval, as in `1012 [990, 1034]`; a bound that the votes do not hold is `open`."""
    low, high = (f"{bound:{form}}" if math.isfinite(bound) else "open" for bound in (span.low, span.high))
    return f"{span.value:{form}} [{low}, {high}]"
