"""Boards by label: columns of ratings, and reasons where votes cannot be rated alone."""

import dataclasses
import math

import numpy as np

from tanuki_jax.evaluation.arena.part_blocks import differences, part_blocks, reasons
from tanuki_jax.evaluation.arena.rated_votes import Draw, PartBoard, rate_all
from tanuki_jax.evaluation.ratings.battles import Battle
from tanuki_jax.evaluation.ratings.bootstrap_ratings import Board, RatedModel
from tests.evaluation.arena.made_votes import made_votes

FEW = Draw(repetitions=20)


def board(**ratings: float) -> Board:
    models = {name: RatedModel(rating, rating, rating, 0) for name, rating in ratings.items()}
    return Board("b", models, (), "battle", 20, 0)


def test_a_label_has_columns_and_reasons() -> None:
    japanese = [dataclasses.replace(battle, language="ja") for battle in made_votes()]
    english = [dataclasses.replace(battle, language="en") for battle in made_votes() if battle.model_b != "c"]
    votes = [*japanese, *english, Battle("a", "b", "model_a")]
    [block] = part_blocks(rate_all(votes, "b", FEW))
    assert block.title == "Boards by language"
    assert list(block.head) == ["model", "all votes", "en: 10 votes", "ja: 20 votes"]
    assert [row.cells[0] for row in block.rows] == ["a", "b", "c"]
    assert block.rows[2].cells[2] == "no vote" and block.rows[2].cells[3].startswith("853 [")
    assert "language not stated has no board of its own (1 vote): a never lost to" in block.note
    assert len(block.pictures) == 1


def test_a_label_without_any_board_has_reasons_alone() -> None:
    votes = [
        dataclasses.replace(battle, category=f"{battle.model_a}{battle.winner}{number % 2}")
        for number, battle in enumerate(made_votes())
        if battle.winner in ("model_a", "model_b")
    ]
    [block] = part_blocks(rate_all(votes, "b", FEW))
    assert block.rows == () and block.pictures == ()
    assert block.note.count("has no board of its own") == len({battle.category for battle in votes})


def test_differences_are_nan_where_a_board_lacks_the_model() -> None:
    found = differences({"ja": board(a=1110, b=1000), "en": board(a=1080, b=1000, c=900)}, board(a=1100, b=1000, c=950))
    np.testing.assert_array_equal(found, [[10, -20], [0, 0], [math.nan, -50]])


def test_reasons_name_the_value_and_its_votes() -> None:
    parts = {"ja": PartBoard(20, board(a=1000), ""), "": PartBoard(1, None, "too few")}
    assert reasons("language", parts) == ["language not stated has no board of its own (1 vote): too few."]
