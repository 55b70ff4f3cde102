"""Types of fields, in checks and in words."""

from collections.abc import Mapping
from typing import Any, Literal

import pytest

from tanuki_jax.config.kinds import describe, is_of
from tanuki_jax.config.sweep import Value


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
        (None, Value, "true or false or a whole number or a number or text"),
    ],
)
def test_a_value_of_another_type_is_none(value: object, kind: Any, words: str) -> None:
    assert not is_of(value, kind)
    assert describe(kind) == words
