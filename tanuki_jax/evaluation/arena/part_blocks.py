"""Parts of the page on the votes of each category, language and round."""

import math

import numpy as np

from tanuki_jax.base.pages import Row
from tanuki_jax.base.progress import amount
from tanuki_jax.evaluation.arena.board_charts import heat_map
from tanuki_jax.evaluation.arena.board_places import places
from tanuki_jax.evaluation.arena.board_table import rating_span, with_interval
from tanuki_jax.evaluation.arena.rated_votes import PartBoard, RatedVotes
from tanuki_jax.evaluation.ratings.bootstrap_ratings import Board
from tanuki_jax.evaluation.ratings.logistic_fit import Floats
from tanuki_jax.evaluation.report.report_block import Block, Picture

_LEAST_LIMIT = 50.0
"""Points at the ends of the bar of colours, at least, so that small differences stay pale."""


def part_blocks(rated: RatedVotes) -> list[Block]:
    """Return a block for each label whose values are rated alone."""
    return [_part_block(label, parts, rated.board) for label, parts in rated.parts.items()]


def _part_block(label: str, parts: dict[str, PartBoard], total: Board) -> Block:
    boards = {shown_value(value): part.board for value, part in parts.items() if part.board is not None}
    votes = {shown_value(value): part.battles for value, part in parts.items()}
    note = [
        f"The rating of each model from the votes of one {label} alone; the ratings of different columns have the same "
        "anchor.",
        *reasons(label, parts),
    ]
    if not boards:
        return Block(title=f"Boards by {label}", note="\n".join(note))
    spans = {
        name: {model: rating_span(place) for model, place in places(board).items()} for name, board in boards.items()
    }
    columns = {"all votes": {model: rating_span(place) for model, place in places(total).items()}, **spans}
    head = ["all votes", *(f"{name}: {amount(votes[name], 'vote')}" for name in boards)]
    return Block(
        title=f"Boards by {label}",
        head=("model", *head),
        rows=[
            Row([model, *(with_interval(of[model], ".0f") if model in of else "no vote" for of in columns.values())])
            for model in total.models
        ],
        note="\n".join(
            [
                *note[:1],
                "Red in the picture: a higher rating than from all votes; a column of one colour is due to the anchor.",
                *note[1:],
            ]
        ),
        pictures=[_part_picture(label, boards, total)],
    )


def reasons(label: str, parts: dict[str, PartBoard]) -> list[str]:
    """Return a sentence for each value of a label whose votes cannot be rated alone."""
    return [
        f"{label} {shown_value(value)} has no board of its own ({amount(part.battles, 'vote')}): {part.reason}."
        for value, part in parts.items()
        if part.board is None
    ]


def shown_value(value: str) -> str:
    """Return the name of a value of a label."""
    return value or "not stated"


def differences(boards: dict[str, Board], total: Board) -> Floats:
    """Return ratings of models, [M, L], on the board of each label minus those of the total; NaN: not on a board."""
    return np.array(
        [
            [
                board.models[model].rating - rated.rating if model in board.models else math.nan
                for board in boards.values()
            ]
            for model, rated in total.models.items()
        ]
    )


def _part_picture(label: str, boards: dict[str, Board], total: Board) -> Picture:
    values = differences(boards, total)
    limit = max(_LEAST_LIMIT, float(np.nanmax(np.abs(values))))
    texts = [
        [f"{board.models[model].rating:.0f}" if model in board.models else "" for board in boards.values()]
        for model in total.models
    ]
    chart = heat_map(
        list(total.models),
        list(boards),
        values,
        texts,
        bar="difference to the rating of all votes",
        limits=(-limit, limit),
    )
    return Picture(chart, f"ratings by {label}, as in the table")
