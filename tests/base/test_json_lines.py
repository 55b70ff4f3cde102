"""Logs of JSON lines: what is written is JSON, and what a killed process left does no harm."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.base.json_lines import BadLine, append, encode, lines, null_as_nan


def values(path: Path) -> list[Any]:
    return [value for _, value in lines(path)]


def test_every_line_is_json() -> None:
    line = {"loss": math.nan, "norms": [1.5, math.inf], "step": 3, "text": "狸\u2028\x85", "none": None}
    strict = json.loads(encode(line), parse_constant=lambda name: pytest.fail(name))
    assert strict == line | {"loss": None, "norms": [1.5, None]}
    back = null_as_nan(strict)
    assert math.isnan(back["loss"]) and math.isnan(back["norms"][1]) and back["norms"][0] == 1.5


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    for text in ("a\u2028b", "c\x85d\r", "e"):
        append(path, {"text": text})
    assert [line["text"] for line in values(path)] == ["a\u2028b", "c\x85d\r", "e"]


@pytest.mark.parametrize("torn", ['{"a": 2', "{", "x" * 200_000, '{"a": "\udcff'])
def test_an_unfinished_line_is_left_out_and_cut_by_the_next(torn: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    append(path, {"a": 1})
    with path.open("ab") as file:
        file.write(torn.encode(errors="surrogateescape"))
    assert values(path) == [{"a": 1}]
    append(path, {"a": 3}, sync=True)
    assert path.read_text() == '{"a": 1}\n{"a": 3}\n'


def test_a_whole_line_without_its_end_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}')
    assert values(path) == [{"a": 1}]
    append(path, {"a": 2})
    assert values(path) == [{"a": 1}, {"a": 2}]


def test_another_bad_line_is_numbered(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n{"a": 2{"a": 3}\n[]\n')
    (first, second, third) = lines(path)
    assert (first, third) == ((1, {"a": 1}), (3, []))
    assert second[0] == 2 and isinstance(second[1], BadLine) and second[1].reason.startswith("Expecting")


def test_a_file_that_is_not_there_has_no_lines(tmp_path: Path) -> None:
    assert values(tmp_path / "a.jsonl") == []
