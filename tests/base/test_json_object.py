"""JSON files of other programs, good and bad."""

from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.json_object import read_object


def test_an_object_is_returned(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"a": [1, "狸"]}', encoding="utf-8")
    assert read_object(tmp_path / "config.json") == {"a": [1, "狸"]}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b'{"a": 1', "config.json is not JSON: Expecting ',' delimiter: line 1"),
        (b'{"a": "\xff"}', "config.json is not JSON: 'utf-8' codec can't decode"),
        (b"[" * 100_000, "config.json is nested too deeply to be read"),
        (b'["a", 1]', 'config.json is not a JSON object: it begins with ["a", 1]'),
    ],
)
def test_anything_else_is_refused_in_a_sentence(content: bytes, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(InputError) as refused:
        read_object(tmp_path / "config.json")
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)
