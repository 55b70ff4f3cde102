"""Types of fields, in checks and in words."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Literal

import pytest

from tanuki_jax.config.kinds import describe, flaw, is_of, item_kind, show
from tanuki_jax.config.limits import PositiveInt
from tanuki_jax.config.model import RopeScaling
from tanuki_jax.config.registry import experiment
from tanuki_jax.config.sweep import Value

MODEL = experiment.find("tiny").model


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wider(RopeScaling):
    other: int = 0


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1, int),
        (1, float),
        ("a", str | None),
        (None, str | None),
        ("a", Literal["a", "b"]),
        ((), tuple[int, ...]),
        ((1, 2), tuple[int, int]),
        ({}, Mapping[str, int]),
        (1.5, Value),
        (object(), Any),
    ],
)
def test_a_value_of_the_type_is_one(value: object, kind: Any) -> None:
    assert is_of(value, kind)


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        (1.0, int, "a whole number"),
        (True, int, "a whole number"),
        (True, float, "a number"),
        (1, bool, "true or false"),
        (1, Literal[True, 3], "one of True, 3"),
        ([], tuple[int, ...], "a tuple"),
        ((1,), tuple[int, int], "a tuple"),
        (1, str | None, "text or NoneType"),
        (dataclasses.replace(MODEL), RopeScaling, "RopeScaling(...)"),
        (Wider(), RopeScaling, "RopeScaling(...)"),
        (None, Value, "true or false or a whole number or a number or text"),
    ],
)
def test_a_value_of_another_type_is_none(value: object, kind: Any, words: str) -> None:
    assert not is_of(value, kind)
    assert describe(kind) == words


def test_items_of_a_tuple_have_types_of_their_own() -> None:
    assert [item_kind(tuple[int, str], index) for index in (0, 1)] == [int, str]
    assert item_kind(tuple[PositiveInt, ...], 7) == PositiveInt


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        (2**63, int, "64 bits cannot hold"),
        (1e-46, float, "float32 cannot hold"),
        (1e39, float, "float32 cannot hold"),
        (10**400, float, "float32 cannot hold"),
        ("a\0b", str, "has a NUL character"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(value: object, kind: Any, words: str) -> None:
    assert is_of(value, kind)
    assert flaw(value, kind) == words


@pytest.mark.parametrize(
    ("value", "kind"), [(-(2**62), int), (0, float), (math.inf, float), (1e-30, float), ("狸\n", str)]
)
def test_a_value_that_can_be_used_has_no_flaw(value: object, kind: Any) -> None:
    assert flaw(value, kind) == ""


def test_a_value_is_shown_in_a_few_words() -> None:
    assert show(10**5000) == "a whole number of about 5,000 digits"
    assert show("a" * 100) == "'" + "a" * 79
