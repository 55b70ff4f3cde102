import json
from pathlib import Path

from tanuki_jax.prepare.units import FileUnit, Row, TaskUnit, rows_of
from tanuki_jax.records.files import Slice
from tanuki_jax.records.read import Malformed
from tanuki_jax.tasks.splits import conversation


def test_the_rows_of_several_files_are_numbered_file_by_file(tmp_path: Path) -> None:
    lines = tmp_path / "a.jsonl"
    lines.write_text('{"body": "one"}\n\n{"body": 2}\n{"body": "three"}\n\n')
    text = tmp_path / "b.txt"
    text.write_text("four\nlines")
    unit = FileUnit((Slice(str(lines), 0, lines.stat().st_size), Slice(str(text), 0, text.stat().st_size)), "body", 1)
    rows_read: list[int] = []
    first, second, third, fourth = rows_of(unit, rows_read)
    assert [first, third, fourth] == [Row(0, 0, "one"), Row(0, 3, "three"), Row(1, 0, "four\nlines")]
    assert (second.piece, second.row) == (0, 2) and isinstance(second.text, Malformed)
    assert rows_read == [5, 1]
    assert unit.paths == (str(lines), str(text))


def test_conversations_become_lines_of_user_and_assistant(tmp_path: Path) -> None:
    file = tmp_path / "chat.jsonl"
    messages = [{"role": "system", "content": "短く。"}, {"role": "user", "content": "やあ"}, {"role": "assistant", "content": "どうも"}]
    file.write_text(json.dumps({"messages": messages}) + "\n")
    (row,) = rows_of(FileUnit((Slice(str(file), 0, file.stat().st_size),), "text", 1), [])
    assert row.text == "短く。\nuser: やあ\nassistant: どうも"


def test_a_task_unit_writes_its_own_range_of_conversations() -> None:
    rows_read: list[int] = []
    rows = list(rows_of(TaskUnit("table", 7, 12), rows_read))
    assert [(row.piece, row.row) for row in rows] == [(0, number) for number in range(5)]
    assert rows_read == [5]
    question, answer = conversation(("table",), 9, 0).messages
    assert rows[2].text == f"user: {question.content}\nassistant: {answer.content}"
