from tanuki_jax.corpus.chat.nested_strings import map_strings, strings_in

VALUE = {"a": ["b", {"c": "d", "e": 3}], "f": None, "g": True}


def test_all_strings_are_found_names_included() -> None:
    assert [*strings_in(VALUE)] == ["a", "b", "c", "d", "e", "f", "g"]


def test_all_strings_are_changed_and_nothing_else() -> None:
    assert map_strings(VALUE, str.upper) == {"A": ["B", {"C": "D", "E": 3}], "F": None, "G": True}
