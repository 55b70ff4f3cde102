"""The page of a board: its parts, each with a sentence."""

import dataclasses
import itertools

import numpy as np

from tanuki_jax.evaluation.arena.board_page import counted_votes, page_blocks
from tanuki_jax.evaluation.arena.rated_votes import Draw, rate_all
from tanuki_jax.evaluation.ratings.battles import Battle
from tests.evaluation.arena.made_votes import made_votes
from tests.evaluation.ratings.simulated_votes import ANCHOR, simulated_votes

FEW = Draw(repetitions=20)
ALWAYS = [
    "Board",
    "Ratings with their intervals",
    "Results of each pair",
    "Pairs farthest from the prediction",
    "How often each pair met",
    "Ratings over time",
]


def test_votes_without_labels_and_style_have_six_parts() -> None:
    blocks = page_blocks(rate_all(made_votes(), "b", FEW))
    assert [block.title for block in blocks] == ALWAYS
    assert all(block.note.split("\n")[0].endswith(".") for block in blocks)
    assert [row.marked for row in blocks[0].rows] == [False, True, False]
    assert "the votes were drawn anew 20 times" in blocks[0].note


def test_labels_and_style_add_parts() -> None:
    votes = simulated_votes(np.random.default_rng(0), length_effect=1.5)
    votes = [dataclasses.replace(battle, language="ja" if n % 3 else "en") for n, battle in enumerate(votes)]
    votes = [
        dataclasses.replace(battle, style_a={**battle.style_a, "bold": 0.0}, style_b={**battle.style_b, "bold": 0.0})
        for battle in votes
    ]
    blocks = page_blocks(rate_all(votes, ANCHOR, FEW))
    assert [block.title for block in blocks] == [
        *ALWAYS,
        "Boards by language",
        "Effects of style",
        "Board at equal style",
    ]
    effects, styled = blocks[-2:]
    assert [row.cells[0] for row in effects.rows] == ["length"]
    assert "No two answers differ in: bold." in effects.note
    assert [row.cells[-1] for row in styled.rows if row.cells[0] == ANCHOR] == ["+0"]


def test_style_that_cannot_be_controlled_for_has_its_reason() -> None:
    votes = [dataclasses.replace(battle, style_a={"length": 3.0}) for battle in made_votes()]
    style = page_blocks(rate_all(votes, "b", FEW))[-1]
    assert style.title == "Style"
    assert style.note.startswith("The board at equal style is missing: 20 of 20 battles do not say 'length'")


def test_outcomes_are_counted_apart() -> None:
    assert counted_votes(rate_all(made_votes(), "b", FEW)) == (
        "20 votes on 3 models: 18 with a winner, 1 tie, 1 where both answers were bad."
    )


def test_many_models_are_too_many_for_curves() -> None:
    names = [f"m{number:02}" for number in range(25)]
    votes = [Battle(a, b, "tie") for a, b in itertools.pairwise(names)]
    [curves] = [block for block in page_blocks(rate_all(votes, "m00", FEW)) if block.title == "Ratings over time"]
    assert "The first 24 models of the board are shown." in curves.note
