from tanuki_jax.corpus.chat.nested_strings import map_strings, strings_in, strings_of
from tanuki_jax.corpus.records.types import Message

VALUE = {"a": ["b", {"c": "d", "e": 3}], "f": None, "g": True}


def test_all_strings_are_found_names_included() -> None:
    assert [*strings_in(VALUE)] == ["a", "b", "c", "d", "e", "f", "g"]


def test_all_strings_are_changed_and_nothing_else() -> None:
    assert map_strings(VALUE, str.upper) == {"A": ["B", {"C": "D", "E": 3}], "F": None, "G": True}


def test_all_strings_of_a_conversation_are_found() -> None:
    calling = Message("assistant", "", fields={"role": "assistant", "tool_calls": [{"name": "f"}]})
    found = strings_of([Message("user", "q"), calling], [{"name": "g"}])
    assert {*found} >= {"q", "", "f", "g", "name", "tool_calls"}
