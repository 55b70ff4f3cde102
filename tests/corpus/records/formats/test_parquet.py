import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.files import InputFile, Slice
from tanuki_jax.corpus.records.read import Row, read, split
from tanuki_jax.corpus.records.types import Conversation, Document, Malformed, Message, Preference, Record
from tanuki_jax.corpus.records.write import write
from tests.corpus.records.conftest import in_one_slice, in_slices, records


def test_a_file_is_cut_between_row_groups(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"text": [f"row {i}" for i in range(1000)]}), path, row_group_size=100, compression="none")
    file = InputFile(str(path), path.stat().st_size)
    group_bytes = pq.read_metadata(path).row_group(0).total_byte_size
    assert split(file, 1) == [Slice(file.path, start, start + 100) for start in range(0, 1000, 100)]
    assert [(part.start, part.stop) for part in split(file, int(2.5 * group_bytes))] == [
        (0, 300),
        (300, 600),
        (600, 900),
        (900, 1000),
    ]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.parquet"
    path.write_bytes(b"not parquet at all")
    with pytest.raises(InputError, match=r"bad\.parquet is not a readable Parquet file"):
        split(InputFile(str(path), 18), 10)


def test_rows_equal_the_same_rows_as_json_lines(tmp_path: Path) -> None:
    rows = [
        {"id": f"{n}", "text": f"テキスト{n}", "score": n / 3, "tags": ["a", None], "where": {"url": None, "line": n}}
        for n in range(3000)
    ]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet", row_group_size=1100)
    expected = in_one_slice(tmp_path / "a.jsonl")
    assert len(expected) == 3000
    assert in_slices(tmp_path / "a.parquet", 1) == in_slices(tmp_path / "a.parquet", 1 << 30) == expected


def test_a_row_with_invalid_utf8_does_not_harm_its_neighbours(tmp_path: Path) -> None:
    column = pa.array([b"one", b"\xff\xfe", b"three"]).view(pa.string())
    pq.write_table(pa.table({"text": column}), tmp_path / "a.parquet")
    path = tmp_path / "a.parquet"
    assert in_slices(path, 1) == [
        Row(0, Document(f"{path}:0", "one")),
        Row(1, Malformed("invalid UTF-8")),
        Row(2, Document(f"{path}:2", "three")),
    ]


def test_documents_and_conversations_share_a_table(tmp_path: Path) -> None:
    row = {
        "id": "c",
        "text": None,
        "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
    }
    pq.write_table(pa.Table.from_pylist([row, {"id": "d", "text": "plain", "messages": None}]), tmp_path / "a.parquet")
    first, second = in_slices(tmp_path / "a.parquet", 1)
    assert isinstance(first.record, Conversation)
    assert isinstance(second.record, Document)


def test_lists_of_structs_are_messages(tmp_path: Path) -> None:
    question = {"from": "human", "value": "q"}
    chosen = {"from": "gpt", "value": "a"}
    table = pa.Table.from_pylist(
        [
            {"conversations": [question], "chosen": chosen, "rejected": {"from": "gpt", "value": "b"}},
            {"conversations": [question], "chosen": chosen, "rejected": None},
        ]
    )
    pq.write_table(table, tmp_path / "a.parquet")
    rows = [row.record for row in read(Slice(str(tmp_path / "a.parquet"), 0, 2), text_field="text", form="preference")]
    assert rows == [
        Preference(f"{tmp_path}/a.parquet:0", (Message("user", "q"),), "a", "b"),
        Malformed("no rejected answer among 'conversations', 'chosen'"),
    ]


def test_parts_of_contents_are_joined(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "3 + "}, {"type": "text", "text": "4"}]
    messages = [{"role": "user", "content": parts}, {"role": "assistant", "content": [{"type": "text", "text": "7"}]}]
    pq.write_table(pa.Table.from_pylist([{"id": "c", "messages": messages}]), tmp_path / "a.parquet")
    [row] = read(Slice(str(tmp_path / "a.parquet"), 0, 1), text_field="text", form="chat")
    assert row.record == Conversation("c", (Message("user", "3 + 4"), Message("assistant", "7")))


def test_large_files_have_several_row_groups(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", (Document(str(number), "狸" * 30_000) for number in range(3000)))
    groups = pq.read_metadata(tmp_path / "a.parquet")
    assert [groups.row_group(index).num_rows for index in range(groups.num_row_groups)] == [1000, 1000, 1000]


def test_a_file_of_two_types_is_refused(tmp_path: Path) -> None:
    records: list[Record] = [Document("d", "text"), Preference("p", (Message("user", "質問"),), "good", "bad")]
    with pytest.raises(InputError, match=r"not a Document and a Preference \(id p\)"):
        write(tmp_path / "a.parquet", records)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (pa.timestamp("ns"), 1_700_000_000_000_000_001, None),
        (pa.duration("ns"), 1_001, None),
        (pa.time64("ns"), 1_001, None),
        (pa.timestamp("us", tz="JST"), 1_700_000_000_000_000, None),
        (pa.timestamp("s"), 10**14, 0),
    ],
    ids=str,
)
def test_times_that_python_cannot_hold_are_left_out(
    kind: pa.DataType, good: int, bad: int | None, tmp_path: Path
) -> None:
    dates = pa.array([good, bad, good], pa.int64()).cast(kind)
    inside = pa.StructArray.from_arrays([dates], ["at"])
    table = pa.table({"text": ["one", "two", "three"], "date": dates, "nested": inside})
    pq.write_table(table, tmp_path / "a.parquet")
    found = records(tmp_path / "a.parquet")
    assert [document.text for document in found if isinstance(document, Document)] == ["one", "two", "three"]
    json.dumps([dict(document.metadata) for document in found if isinstance(document, Document)], default=str)


def test_fields_that_only_other_rows_have_are_not_in_a_call(tmp_path: Path) -> None:
    """All rows of a table have one type: Arrow adds the fields of each call to the others, as nulls."""
    rows = [
        {
            "messages": [
                {"role": "user", "content": "q", "tool_calls": None},
                {"role": "assistant", "content": None, "tool_calls": [{"name": "f", "arguments": {name: "x"}}]},
            ],
            "tools": [{"name": "f", "parameters": {"properties": {name: {"type": "string"}}}}],
        }
        for name in ("city", "zone")
    ]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    ours, expected = (records(tmp_path / name, "chat") for name in ("a.parquet", "a.jsonl"))
    for record, other in zip(ours, expected, strict=True):
        assert isinstance(record, Conversation) and isinstance(other, Conversation)
        assert record.tools == other.tools
        assert [message.turn for message in record.messages] == [message.turn for message in other.messages]


def test_columns_that_nobody_needs_are_not_converted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.parquet"
    dates = pa.array([1 << 62, None]).cast(pa.date64())  # beyond what Python holds
    table = {"question": ["q", None], "reply": ["a", "b"], "metadata": [{"k": 1}, {"k": 2}], "date": dates}
    pq.write_table(pa.table(table), path)
    fields = {"prompt": "question", "completion": "reply"}
    found = [*read(Slice(str(path), 0, 2), text_field="text", form="chat", fields=fields, only_needed=True)]
    assert [row.record for row in found] == [
        Conversation(f"{path}:0", (Message("user", "q"), Message("assistant", "a"))),
        Malformed("no prompt among 'metadata', 'date', 'completion'"),
    ]
    assert caplog.messages == []
    nothing = [*read(Slice(str(path), 0, 2), text_field="body", only_needed=True)]
    names = "'question', 'reply', 'metadata', 'date'"
    assert [row.record for row in nothing] == [Malformed(f"no field 'body' among {names}")] * 2


def test_a_column_that_is_no_flag_of_these_rows_harms_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"instruction": ["q"], "output": ["a"], "mask": pa.array([None], pa.bool_())}), path)
    (row,) = read(Slice(str(path), 0, 1), text_field="text", form="chat", only_needed=True)
    assert isinstance(row.record, Conversation)
