import json
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.benchmarks.open_questions import (
    OpenQuestion,
    conversation,
    read_answers,
    read_questions,
)


def file_of(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "row",
    [
        {"question_id": 81, "category": "writing", "turns": ["書いてください。", "短くしてください。"]},
        {"id": "81", "category": "writing", "turns": ["書いてください。", "短くしてください。"], "other": 1},
    ],
)
def test_questions_of_several_turns_are_read(tmp_path: Path, row: dict[str, Any]) -> None:
    expected = OpenQuestion("81", "writing", ("書いてください。", "短くしてください。"))
    assert read_questions(file_of(tmp_path, row)) == [expected]


@pytest.mark.parametrize("name", ["question", "prompt", "turns"])
def test_a_question_of_one_turn_is_a_text(tmp_path: Path, name: str) -> None:
    assert read_questions(file_of(tmp_path, {"uid": "a", name: "何？"})) == [OpenQuestion("a", "", ("何？",))]


@pytest.mark.parametrize(
    "row",
    [
        {"question_id": 1, "answer_id": "x", "choices": [{"index": 0, "turns": ["一", "二"]}]},
        {"id": 1, "turns": ["一", "二"]},
    ],
)
def test_answers_are_read_in_both_layouts(tmp_path: Path, row: dict[str, Any]) -> None:
    assert read_answers(file_of(tmp_path, row, {"id": 2, "answer": "三"})) == {"1": ("一", "二"), "2": ("三",)}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"turns": ["何？"]}], "row 1 of .* has no name of a question"),
        ([{"id": 1}], "row 1 of .* has none of the fields turns, question, prompt"),
        ([{"id": 1, "turns": []}], r"turns in row 1 of .* is \[\], and must be a list of texts or a text"),
        ([{"id": 1, "turns": [{"content": "何？"}]}], "turns in row 1"),
        ([{"id": 1, "question": "何？"}, {"id": "1", "question": "誰？"}], "two questions of .* are called 1, row 2"),
    ],
)
def test_a_malformed_question_is_named(tmp_path: Path, rows: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_questions(file_of(tmp_path, *rows))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"id": 1, "choices": []}], "row 1 of .* has none of the fields turns, answer"),
        ([{"id": 1, "choices": [3]}], "row 1 of .* has none of the fields turns, answer"),
        ([{"id": 1, "answer": "a"}, {"id": 1, "answer": "b"}], "answers the question 1 twice, in row 2"),
    ],
)
def test_a_malformed_answer_is_named(tmp_path: Path, rows: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_answers(file_of(tmp_path, *rows))


def test_a_conversation_asks_the_first_turn_without_an_answer() -> None:
    turns = ("一？", "二？", "三？")
    assert conversation(turns, []) == [{"role": "user", "content": "一？"}]
    assert conversation(turns, ["1", "2"]) == [
        {"role": "user", "content": "一？"},
        {"role": "assistant", "content": "1"},
        {"role": "user", "content": "二？"},
        {"role": "assistant", "content": "2"},
        {"role": "user", "content": "三？"},
    ]
