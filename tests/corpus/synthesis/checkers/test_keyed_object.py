import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.synthesis.checkers.json_keys import JsonKeys
from tanuki_jax.corpus.synthesis.checkers.keyed_object import KeyedObject

CHECKER = JsonKeys(keys=(("a", "strings"), ("b", "boolean"), ("c", "number")))


@pytest.mark.parametrize(
    "answer",
    [
        '{"a": ["x"], "b": true, "c": 1}',
        '{"a": ["x", "y"], "b": false, "c": 1.5}',
        '{"c": 0, "b": true, "a": ["x"]}',
        '{"a": ["１"], "b": true, "c": -2}',
        '{"a": ["x"], "b": true, "c": 1e3}',
        ' {"a": ["x"], "b": true, "c": 1}\n',
        '{"a": ["x", "x"], "b": true, "c": 1}',
        '{"a": ["```"], "b": true, "c": 1}',
        '{"a": ["あ"], "b": false, "c": 0.0}',
        '{"a":["x"],"b":true,"c":1}',
    ],
)  # fmt: skip
def test_values_of_the_kinds_obey(answer: str) -> None:
    assert CHECKER.obeyed(answer)


@pytest.mark.parametrize(
    "answer",
    [
        '',
        '{"a": [], "b": true, "c": 1}',
        '{"a": "x", "b": true, "c": 1}',
        '{"a": ["x", 1], "b": true, "c": 1}',
        '{"a": [""], "b": true, "c": 1}',
        '{"a": ["x"], "b": 1, "c": 1}',
        '{"a": ["x"], "b": "true", "c": 1}',
        '{"a": ["x"], "b": true, "c": false}',
        '{"a": ["x"], "b": true, "c": "1"}',
        '{"a": ["x"], "b": true, "c": null}',
        '{"A": ["x"], "b": true, "c": 1}',
        '```\n{"a": ["x"], "b": true, "c": 1}\n```',
    ],
)  # fmt: skip
def test_values_of_other_kinds_do_not_obey(answer: str) -> None:
    assert not CHECKER.obeyed(answer)


def test_keys_must_be_different() -> None:
    with pytest.raises(InputError, match="one or more different names"):
        JsonKeys(keys=(("a", "string"), ("a", "integer")))
    with pytest.raises(InputError, match="one or more different names"):
        JsonKeys(keys=())


def test_the_command_says_whether_a_fence_is_allowed() -> None:
    assert issubclass(JsonKeys, KeyedObject)
    words = {False: ("コードブロックや説明は付けない", "no code fence"), True: ("囲んでも", "may put it")}
    for fence, (japanese, english) in words.items():
        checker = JsonKeys(keys=(("a", "string"),), fence=fence)
        assert japanese in checker.text("ja") and "「a」（文字列）" in checker.text("ja")
        assert english in checker.text("en") and '"a" (a string)' in checker.text("en")
