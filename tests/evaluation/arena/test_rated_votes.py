"""All ratings of a file of votes, and reasons for those that cannot be."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.arena.rated_votes import Draw, part_boards, rate_all, stated_features
from tanuki_jax.evaluation.ratings.battles import Battle
from tanuki_jax.evaluation.ratings.bradley_terry import rate
from tests.evaluation.arena.made_votes import made_votes
from tests.evaluation.ratings.simulated_votes import ANCHOR, simulated_votes

FEW = Draw(repetitions=20)


def labelled(**labels: Any) -> list[Battle]:
    return [dataclasses.replace(battle, **labels) for battle in made_votes()]


def test_votes_with_each_value_are_rated_alone() -> None:
    other = [dataclasses.replace(battle, winner="model_b") for battle in labelled(language="en")[:4]]
    votes = [*labelled(language="ja"), *labelled(language="en"), *other]
    parts = part_boards(votes, "language", "b", FEW)
    assert {value: part.battles for value, part in parts.items()} == {"en": 24, "ja": 20}
    for value, part in parts.items():
        alone = rate([battle for battle in votes if battle.language == value], "b")
        assert part.board is not None and part.reason == ""
        assert {model: each.rating for model, each in part.board.models.items()} == pytest.approx(alone.ratings)


def test_a_value_that_cannot_be_rated_has_a_reason() -> None:
    votes = [*labelled(category="math"), Battle("a", "c", "model_a", category="code"), Battle("a", "b", "tie")]
    parts = part_boards(votes, "category", "b", FEW)
    assert [(value, part.board is None) for value, part in parts.items()] == [
        ("code", True),
        ("math", False),
        ("", False),
    ]
    assert parts["code"].reason.startswith("the anchor 'b' has no battle")
    beaten = part_boards(votes, "category", "a", FEW)["code"].reason
    assert beaten.startswith("a never lost to or tied with any of the others")


def test_rounds_are_in_the_order_of_their_numbers() -> None:
    votes = [battle for value in ("10", "9", "", "last") for battle in labelled(round=value)]
    assert list(part_boards(votes, "round", "b", FEW)) == ["last", "9", "10", ""]


def test_a_label_of_one_value_is_left_out() -> None:
    assert rate_all(labelled(language="ja"), "b", FEW).parts == {}


def test_style_is_controlled_for_if_the_votes_state_it() -> None:
    votes = simulated_votes(np.random.default_rng(0), length_effect=1.5)
    rated = rate_all(votes, ANCHOR, FEW)
    assert stated_features(votes) == ["length"]
    assert rated.style is not None and rated.style_reason == ""
    assert rated.style.effects["length"].low > 0
    assert rate_all(made_votes(), "b", FEW).style is None


def test_style_that_some_votes_lack_is_a_reason_or_an_error() -> None:
    votes = simulated_votes(np.random.default_rng(0), length_effect=1.5)
    votes[3] = dataclasses.replace(votes[3], style_a={})
    rated = rate_all(votes, ANCHOR, FEW)
    assert rated.style is None
    assert rated.style_reason.startswith("1 of 2049 battles do not say 'length' of both answers")
    with pytest.raises(InputError, match="1 of 2049 battles do not say 'length'"):
        rate_all(votes, ANCHOR, FEW, ["length"])
