import codecs
import gzip
import json
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.files import InputFile, Slice, expand, split
from tanuki_jax.corpus.records.read import Malformed, Row, read
from tanuki_jax.corpus.records.types import Conversation, Document, Form, Message, Preference

LINES = st.one_of(
    st.just(b""),
    st.just(b" \t\r"),
    st.text(min_size=1).map(lambda text: json.dumps({"text": text}).encode()),
    st.text(min_size=1, alphabet="タヌキ絵").map(
        lambda text: json.dumps({"text": text}, ensure_ascii=False).encode() + b"\r"
    ),
    st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"").removeprefix(codecs.BOM_UTF8)),
)


def whole(path: Path) -> list[Row]:
    return list(read(Slice(str(path), 0, path.stat().st_size), text_field="text"))


def records(path: Path, form: Form = "text") -> list[Document | Conversation | Preference | Malformed]:
    return [row.record for row in read(Slice(str(path), 0, path.stat().st_size), text_field="text", form=form)]


def in_slices(path: Path, bytes_per_slice: int) -> list[Row]:
    """The rows of all slices, with row numbers that count from the beginning of the file."""
    rows: list[Row] = []
    before = 0
    for part in split(InputFile(str(path), path.stat().st_size), bytes_per_slice):
        reader = read(part, text_field="text")
        rows.extend(Row(before + row.row, row.record) for row in reader)
        before += reader.rows_read
    return rows


@given(lines=st.lists(LINES), bytes_per_slice=st.integers(1, 60), last_newline=st.booleans())
def test_slices_of_json_lines_hold_every_line_once_at_its_number(
    lines: list[bytes], bytes_per_slice: int, last_newline: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.jsonl")
        path.write_bytes(b"\n".join(lines) + b"\n" * last_newline)
        rows = whole(path)
        assert in_slices(path, bytes_per_slice) == rows
    assert [row.row for row in rows] == [number for number, line in enumerate(lines) if line.strip()]


def test_lines_longer_than_a_block_and_a_slice_are_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    texts = ["a" * length for length in (3_000_000, 1, 1_048_576 - 14, 1_048_576, 1_500_000, 5)]
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    for bytes_per_slice in (400_000, 1_048_576, 10_000_000):
        found = [row.record.text for row in in_slices(path, bytes_per_slice) if isinstance(row.record, Document)]
        assert found == texts


def test_an_id_made_from_the_place_does_not_depend_on_the_slices(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "one"}\n\n{"text": "two"}\n{"text": "three", "id": 3}\n')
    assert [row.record.id for row in in_slices(path, 5) if isinstance(row.record, Document)] == [
        f"{path}:0",
        f"{path}:17",
        "3",
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": "cut of', "not JSON: Unterminated string"),
        (b"[" * 100_000, "not JSON: maximum recursion"),
        (b'{"text": "\xff"}', "invalid UTF-8 at byte 10"),
        (b'{"text": "a", "n": "\\ud800"}', "an escaped surrogate stands alone"),
        (b'{"text": "\\uDFFF"}', "an escaped surrogate stands alone"),
        (b'["text"]', "not a JSON object but of type list"),
        (b'{"text": 1}', "the field 'text' is not text"),
    ],
)
def test_a_malformed_line_stands_between_its_neighbours(tmp_path: Path, line: bytes, reason: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "before"}\n' + line + b'\n{"text": "\\ud83d\\ude00"}\n')
    before, malformed, after = records(path)
    assert isinstance(malformed, Malformed)
    assert malformed.reason.startswith(reason)
    assert isinstance(before, Document)
    assert isinstance(after, Document)
    assert (before.text, after.text) == ("before", "😀")


def test_a_byte_order_mark_is_no_part_of_the_data(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'\xef\xbb\xbf{"text": "a", "id": "i"}')
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfa")
    assert records(tmp_path / "a.jsonl") == [Document("i", "a")]
    assert records(tmp_path / "a.txt") == [Document(str(tmp_path / "a.txt"), "a")]


def test_compressed_files_hold_the_rows_of_plain_ones_even_in_several_frames(tmp_path: Path) -> None:
    parts = [b'{"text": "one", "id": 1}\n', b'{"text": "two", "id": 2}\n']
    (tmp_path / "a.jsonl").write_bytes(b"".join(parts))
    zstd = pa.Codec("zstd")
    for name in ("a.jsonl.zst", "a.json.zst"):
        (tmp_path / name).write_bytes(b"".join(zstd.compress(part, asbytes=True) for part in parts))
    for name in ("a.jsonl.gz", "a.json.gz"):
        (tmp_path / name).write_bytes(b"".join(map(gzip.compress, parts)))
    for file in expand([f"{tmp_path}/*"]):
        assert whole(Path(file.path)) == [Row(0, Document("1", "one")), Row(1, Document("2", "two"))], file.path


@pytest.mark.parametrize("suffix", [".zst", ".gz"])
def test_a_truncated_file_is_an_error_that_says_how_far_it_went(tmp_path: Path, suffix: str) -> None:
    content = b"".join(b'{"text": "%d"}\n' % number for number in range(300_000))
    data = gzip.compress(content) if suffix == ".gz" else pa.Codec("zstd").compress(content, asbytes=True)
    path = tmp_path / f"a.jsonl{suffix}"
    path.write_bytes(data[: len(data) // 2])
    rows: list[Row] = []
    with pytest.raises(InputError, match=r"cannot be read beyond row [1-9]\d+ of the slice that begins at 0"):
        rows.extend(read(Slice(str(path), 0, len(data) // 2), text_field="text"))


def test_a_file_that_is_gone_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.txt cannot be read"):
        next(read(Slice(str(tmp_path / "gone.txt"), 0, 5), text_field="text"))


def test_a_text_file_is_one_document_a_blank_one_none_and_a_broken_one_malformed(tmp_path: Path) -> None:
    contents = {"a.txt": "狸\n\n".encode(), "b.txt": b" \n\n", "c.txt": b"ab\xff", "d.txt.gz": gzip.compress(b"packed")}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    assert records(tmp_path / "a.txt") == [Document(str(tmp_path / "a.txt"), "狸\n\n")]
    assert records(tmp_path / "b.txt") == []
    assert records(tmp_path / "c.txt") == [Malformed("invalid UTF-8 at byte 2 of the file")]
    assert records(tmp_path / "d.txt.gz") == [Document(str(tmp_path / "d.txt.gz"), "packed")]


def test_parquet_rows_equal_the_same_rows_as_json_lines(tmp_path: Path) -> None:
    rows = [
        {"id": f"{n}", "text": f"テキスト{n}", "score": n / 3, "tags": ["a", None], "where": {"url": None, "line": n}}
        for n in range(3000)
    ]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet", row_group_size=1100)
    expected = whole(tmp_path / "a.jsonl")
    assert len(expected) == 3000
    assert in_slices(tmp_path / "a.parquet", 1) == in_slices(tmp_path / "a.parquet", 1 << 30) == expected


def test_a_parquet_row_with_invalid_utf8_does_not_take_its_neighbours_along(tmp_path: Path) -> None:
    column = pa.array([b"one", b"\xff\xfe", b"three"]).view(pa.string())
    pq.write_table(pa.table({"text": column}), tmp_path / "a.parquet")
    path = tmp_path / "a.parquet"
    assert in_slices(path, 1) == [
        Row(0, Document(f"{path}:0", "one")),
        Row(1, Malformed("invalid UTF-8")),
        Row(2, Document(f"{path}:2", "three")),
    ]


def test_parquet_holds_conversations_too(tmp_path: Path) -> None:
    row = {
        "id": "c",
        "text": None,
        "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
    }
    pq.write_table(pa.Table.from_pylist([row, {"id": "d", "text": "plain", "messages": None}]), tmp_path / "a.parquet")
    first, second = in_slices(tmp_path / "a.parquet", 1)
    assert isinstance(first.record, Conversation)
    assert isinstance(second.record, Document)


def test_lists_of_structs_in_parquet_are_messages(tmp_path: Path) -> None:
    question = {"from": "human", "value": "q"}
    table = pa.Table.from_pylist(
        [
            {
                "conversations": [question],
                "chosen": {"from": "gpt", "value": "a"},
                "rejected": {"from": "gpt", "value": "b"},
            },
            {"conversations": [question], "chosen": {"from": "gpt", "value": "a"}, "rejected": None},
        ]
    )
    pq.write_table(table, tmp_path / "a.parquet")
    rows = [row.record for row in read(Slice(str(tmp_path / "a.parquet"), 0, 2), text_field="text", form="preference")]
    assert rows == [
        Preference(f"{tmp_path}/a.parquet:0", (Message("user", "q"),), "a", "b"),
        Malformed("no rejected answer among 'conversations', 'chosen'"),
    ]


def test_parts_of_contents_in_parquet_are_joined(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "3 + "}, {"type": "text", "text": "4"}]
    messages = [{"role": "user", "content": parts}, {"role": "assistant", "content": [{"type": "text", "text": "7"}]}]
    pq.write_table(pa.Table.from_pylist([{"id": "c", "messages": messages}]), tmp_path / "a.parquet")
    [row] = read(Slice(str(tmp_path / "a.parquet"), 0, 1), text_field="text", form="chat")
    assert row.record == Conversation("c", (Message("user", "3 + 4"), Message("assistant", "7")))


def test_a_text_file_holds_no_chat(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("user: 狸")
    (tmp_path / "b.txt").write_text("\n")
    [malformed] = records(tmp_path / "a.txt", "chat")
    assert isinstance(malformed, Malformed) and malformed.reason.startswith(
        "a plain text; conversations are read from .jsonl, .jsonl.gz"
    )
    assert records(tmp_path / "b.txt", "chat") == []
