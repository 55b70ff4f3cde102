import json
from pathlib import Path

import pytest

from tanuki_jax.config.mixture import PairForm
from tanuki_jax.corpus.records.files import Slice
from tanuki_jax.corpus.records.types import Malformed, Preference, Unused
from tanuki_jax.corpus.tasks.splits import conversation, preference
from tanuki_jax.data.preparation.work_units import FileUnit, Row, TaskUnit, rows_of, text_of


def text_in(row: Row) -> str | None:
    return None if isinstance(row.record, Malformed | Unused) else text_of(row.record)


def test_the_rows_of_several_files_are_numbered_file_by_file(tmp_path: Path) -> None:
    lines = tmp_path / "a.jsonl"
    lines.write_text('{"body": "one"}\n\n{"body": 2}\n{"body": "three"}\n\n')
    text = tmp_path / "b.txt"
    text.write_text("four\nlines")
    unit = FileUnit((Slice(str(lines), 0, lines.stat().st_size), Slice(str(text), 0, text.stat().st_size)), "body", 1)
    rows_read: list[int] = []
    rows = list(rows_of(unit, "text", rows_read))
    assert [(row.slice_index, row.row, text_in(row)) for row in rows] == [
        (0, 0, "one"),
        (0, 2, None),
        (0, 3, "three"),
        (1, 0, "four\nlines"),
    ]
    assert rows_read == [5, 1]
    assert unit.paths == (str(lines), str(text))


def test_conversations_become_lines_of_user_and_assistant(tmp_path: Path) -> None:
    file = tmp_path / "chat.jsonl"
    messages = [
        {"role": "system", "content": "短く。"},
        {"role": "user", "content": "やあ"},
        {"role": "assistant", "content": "どうも"},
    ]
    file.write_text(json.dumps({"messages": messages}) + "\n")
    (row,) = rows_of(FileUnit((Slice(str(file), 0, file.stat().st_size),), "text", 1), "text", [])
    assert text_in(row) == "短く。\nuser: やあ\nassistant: どうも"


def test_a_task_unit_generates_its_range_of_conversations() -> None:
    rows_read: list[int] = []
    rows = list(rows_of(TaskUnit("table", 7, 12), "text", rows_read))
    assert [(row.slice_index, row.row) for row in rows] == [(0, number) for number in range(5)]
    assert rows_read == [5]
    question, answer = conversation(("table",), 9, 0).messages
    assert text_in(rows[2]) == f"user: {question.content}\nassistant: {answer.content}"


@pytest.mark.parametrize("form", ["preference", "kto"])
def test_a_task_unit_generates_preferences_for_their_forms(form: PairForm) -> None:
    (first, second) = rows_of(TaskUnit("style", 7, 9), form, [])
    assert [first.record, second.record] == [preference(("style",), index, 0) for index in (7, 8)]
    assert isinstance(first.record, Preference)
    question, answer = first.record.prompt[-1].content, first.record.chosen
    assert text_of(first.record).endswith(f"user: {question}\nassistant: {answer}")


def test_rows_of_files_are_read_in_the_form_of_the_source(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"prompt": "a", "chosen": "b", "rejected": "c"}\n{"prompt": "a", "chosen": "b"}\n')
    good, bad = rows_of(FileUnit((Slice(str(file), 0, file.stat().st_size),), "text", 1), "preference", [])
    assert isinstance(good.record, Preference) and (good.record.chosen, good.record.rejected) == ("b", "c")
    assert isinstance(bad.record, Malformed) and "rejected" in bad.record.reason
