from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.pipeline import Input, names_of_rules, rules_key
from tanuki_jax.corpus.cleaning.rules.length import Length
from tests.corpus.cleaning.corpora import pipeline

FILE = Path("a.jsonl")


def test_a_rule_that_is_applied_again_has_a_number() -> None:
    assert names_of_rules((Length(), Length(shortest=3))) == ["length", "length_2"]


def test_the_key_changes_with_rules_and_not_with_inputs() -> None:
    key = rules_key(pipeline(FILE))
    assert rules_key(pipeline(FILE, Path("b.jsonl"))) == key
    assert rules_key(pipeline(FILE, rules=(Length(shortest=21),))) != key
    assert rules_key(pipeline(FILE, split_characters=7)) != key


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rules": (Length,)}, r"rules\[0\] is the class Length: write Length\(...\)"),
        ({"rules": (3,)}, r"rules\[0\] is 3"),
        ({"rules": (Length(shortest=-1),)}, r"rules\[0\].shortest is -1, and must be at least 0"),
        ({"inputs": ()}, "inputs is empty"),
        ({"inputs": (Input(name="a", paths=()),) * 2}, "two inputs are named 'a'"),
        ({"inputs": (Input(name="a b", paths=()),)}, "letters, digits"),
    ],
)
def test_what_contradicts_itself_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(pipeline(FILE), **fields)
