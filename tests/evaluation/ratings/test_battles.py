"""Battles refuse what is no battle, and become arrays in which the sides do not matter."""

from dataclasses import replace
from typing import Any

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.ratings.battles import Battle, as_arrays, split_by


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_a": ""}, "model_a is '', and must be a name"),
        ({"model_b": "y "}, "model_b is 'y ', and must be a name without blanks"),
        ({"model_b": "x"}, "'x' battles against itself"),
        ({"winner": "Model_A"}, "the winner is 'Model_A'"),
        ({"weight": 0.0}, "the weight is 0.0"),
        ({"weight": float("nan")}, "the weight is nan"),
        ({"style_a": {"length": -1.0}}, "the feature length is -1.0"),
        ({"style_b": {"length": float("inf")}}, "the feature length is inf"),
    ],
)
def test_what_is_no_battle_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(Battle("x", "y", "tie"), **changes)


def test_the_model_that_is_first_by_name_stands_first() -> None:
    arrays = as_arrays(
        [Battle("b", "a", "model_a"), Battle("a", "c", "model_a", weight=2), Battle("c", "b", "both_bad")]
    )
    assert arrays.models == ("a", "b", "c")
    assert arrays.first.tolist() == [0, 0, 1] and arrays.second.tolist() == [1, 2, 2]
    assert arrays.score.tolist() == [0, 1, 0.5] and arrays.weight.tolist() == [1, 2, 1]
    assert arrays.swapped.tolist() == [True, False, True]


def test_no_battles_are_empty_arrays() -> None:
    arrays = as_arrays([])
    assert arrays.models == () and len(arrays.first) == len(arrays.score) == 0


def test_battles_are_split_by_a_label() -> None:
    battles = [Battle("a", "b", "tie", language="ja"), Battle("a", "b", "tie"), Battle("b", "a", "tie", language="en")]
    assert split_by(battles, "language") == {"": [battles[1]], "en": [battles[2]], "ja": [battles[0]]}
    assert split_by(battles, "round") == {"": battles}
