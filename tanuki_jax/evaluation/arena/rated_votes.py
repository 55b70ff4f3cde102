"""All ratings that a page shows: of all votes, at equal style, and of the votes with each label."""

from collections.abc import Sequence
from typing import NamedTuple

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.ratings.battles import Battle, Label, split_by
from tanuki_jax.evaluation.ratings.bootstrap_ratings import REPETITIONS, Board, Unit, rate_with_intervals
from tanuki_jax.evaluation.ratings.style_control import StyleBoard, rate_at_equal_style
from tanuki_jax.evaluation.ratings.text_style import FEATURES
from tanuki_jax.evaluation.ratings.win_rates import WinRate, win_rates

SPLIT: tuple[Label, ...] = ("category", "language", "round")
"""Labels whose votes are also rated alone."""


class Draw(NamedTuple):
    """Settings of the intervals, as `rate_with_intervals` has them."""

    unit: Unit = "battle"
    repetitions: int = REPETITIONS
    seed: int = 0


class PartBoard(NamedTuple):
    """Board of the votes with one label."""

    battles: int
    board: Board | None
    reason: str
    """Reason why the votes cannot be rated alone; empty: they can."""


class RatedVotes(NamedTuple):
    """Votes and all of their ratings."""

    battles: Sequence[Battle]
    board: Board
    results: dict[str, WinRate]
    style: StyleBoard | None
    """Ratings at equal style; None: the votes do not state the style, or it cannot be controlled for."""
    style_reason: str
    """Reason why style cannot be controlled for, although votes state it."""
    parts: dict[Label, dict[str, PartBoard]]
    """Label -> its value -> board of these votes; a label of which all votes have the same value is left out."""


def rate_all(battles: Sequence[Battle], anchor: str, draw: Draw, features: Sequence[str] = ()) -> RatedVotes:
    """Return all ratings of votes.

    Args:
        battles: votes in the order of their time.
        anchor: model with a rating of 1000.
        draw: settings of the intervals.
        features: features of style that all votes must state; none: those that some vote states, and if not all do,
            the reason is in the result.

    Raises:
        InputError: the votes cannot be rated, or not at equal style although features are named.
    """
    settings = draw._asdict()
    board = rate_with_intervals(battles, anchor, **settings)
    style, style_reason = None, ""
    if stated := features or stated_features(battles):
        try:
            style = rate_at_equal_style(battles, anchor, features=stated, **settings)
        except InputError as error:
            if features:
                raise
            style_reason = str(error)
    parts = {label: part_boards(battles, label, anchor, draw) for label in SPLIT}
    return RatedVotes(
        battles,
        board,
        win_rates(battles),
        style,
        style_reason,
        {label: boards for label, boards in parts.items() if boards},
    )


def stated_features(battles: Sequence[Battle]) -> list[str]:
    """Return the features of style that at least one answer has."""
    stated = {name for battle in battles for style in (battle.style_a, battle.style_b) for name in style}
    return [name for name in FEATURES if name in stated]


def part_boards(battles: Sequence[Battle], label: Label, anchor: str, draw: Draw) -> dict[str, PartBoard]:
    """Return the boards of the votes with each value of a label, numbers in their order; of one value, none."""
    groups = split_by(battles, label)
    if len(groups) < 2:
        return {}
    models = sorted({name for battle in battles for name in (battle.model_a, battle.model_b)})
    boards = {}
    for value in sorted(groups, key=_in_order):
        board, reason = None, ""
        try:
            board = rate_with_intervals(groups[value], anchor, models=models, **draw._asdict())
        except InputError as error:
            reason = str(error)
        boards[value] = PartBoard(len(groups[value]), board, reason)
    return boards


def _in_order(value: str) -> tuple[bool, int, str]:
    """Return a key that puts round 10 after round 9, and votes without the label last."""
    number = int(value) if value.isdecimal() else 0
    return not value, number, value
