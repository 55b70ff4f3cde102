"""The board as CSV and as cells."""

import csv
import io
import math

import numpy as np

from tanuki_jax.evaluation.arena.board_table import COLUMNS, STYLE_COLUMNS, Span, as_csv, board_cells, with_interval
from tanuki_jax.evaluation.arena.rated_votes import Draw, rate_all
from tests.evaluation.arena.made_votes import made_votes
from tests.evaluation.ratings.simulated_votes import ANCHOR, simulated_votes


def test_csv_has_counts_shares_and_ratings_of_each_model() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(rate_all(made_votes(), "b", Draw(repetitions=50))))))
    assert tuple(rows[0]) == COLUMNS
    # Without a cycle of pairs the odds of a pair are those of its own votes: 7 to 3 twice.
    points = 400 * math.log10(7 / 3)
    assert [(row["model"], row["rank"], row["rating"]) for row in rows] == [
        ("a", "1", f"{1000 + points:.2f}"),
        ("b", "2", "1000.00"),
        ("c", "3", f"{1000 - points:.2f}"),
    ]
    assert {name: rows[1][name] for name in COLUMNS[5:]} == {
        "low": "1000.00",
        "high": "1000.00",
        "win_rate": "0.4500",
        "score": "0.5000",
        "battles": "20",
        "wins": "9",
        "losses": "9",
        "ties": "1",
        "both_bad": "1",
    }
    assert all(int(row["rank_low"]) <= int(row["rank"]) <= int(row["rank_high"]) for row in rows)
    assert float(rows[0]["low"]) < 1000 + points < float(rows[0]["high"])


def test_ratings_at_equal_style_have_columns_of_their_own() -> None:
    votes = simulated_votes(np.random.default_rng(0), length_effect=1.5)
    rated = rate_all(votes, ANCHOR, Draw(repetitions=20))
    rows = list(csv.DictReader(io.StringIO(as_csv(rated))))
    assert tuple(rows[0]) == (*COLUMNS, *STYLE_COLUMNS)
    assert rated.style is not None
    styled = rated.style.board.models
    assert {row["model"]: row["style_rating"] for row in rows} == {
        model: f"{each.rating:.2f}" for model, each in styled.items()
    }
    assert sorted(int(row["style_rank"]) for row in rows) == list(range(1, 14))


def test_cells_show_shares_and_open_bounds() -> None:
    assert with_interval(Span(1012.4, -math.inf, 1050.6), ".0f") == "1012 [open, 1051]"
    cells = board_cells(rate_all(made_votes(), "b", Draw(repetitions=50)))
    assert cells[1] == ["b", "2", cells[1][2], "1000 [1000, 1000]", "45.0%", "50.0%", "20", "9", "9", "1", "1"]
