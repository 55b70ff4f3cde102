"""Reading of prompts from files."""

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Conversation, Document, Malformed, Message
from tanuki_jax.inference.prompts import PromptRow, read_prompts

LINES = """{"prompt": "昔々、", "id": 7}

{"messages": [{"role": "user", "content": "狸は？"}], "source": "x"}
{"prompt": 3}
{"messages": [{"role": "user", "content": "狸は？"}, {"role": "assistant", "content": "います。"}]}
{"text": "a"}
nothing
"""


def test_json_lines_are_texts_or_conversations_or_malformed(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(LINES, encoding="utf-8")
    (first, text), (third, chat), *rejected = read_prompts(str(path))
    assert (first, text) == (f"{path}:1", Document("7", "昔々、"))
    assert (third, chat) == (f"{path}:3", Conversation(f"{path}:34", (Message("user", "狸は？"),), {"source": "x"}))
    assert rejected == [
        PromptRow(f"{path}:4", Malformed("the field 'prompt' is not text but of type int")),
        PromptRow(f"{path}:5", Malformed("the last turn is not the user's")),
        PromptRow(f"{path}:6", Malformed("no field 'prompt' among 'text'")),
        PromptRow(f"{path}:7", Malformed("not JSON: Expecting value: line 1 column 1 (char 0)")),
    ]


def test_parquet_rows_are_numbered_over_all_row_groups(tmp_path: Path) -> None:
    table = pa.table({"prompt": ["a", "b", "c", None]})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=2)
    rows = [*read_prompts(str(tmp_path / "*.parquet"))]
    assert [row.location.rpartition(":")[2] for row in rows] == ["1", "2", "3", "4"]
    assert [getattr(row.record, "text", None) for row in rows] == ["a", "b", "c", None]


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
def test_lines_of_a_plain_text_are_texts(name: str, tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf " + "狸は".encode() + b" \r\n\n\xff\n \nlast"
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    path = tmp_path / name
    assert [*read_prompts(str(path))] == [
        PromptRow(f"{path}:1", Document(f"{path}:1", " 狸は ")),
        PromptRow(f"{path}:3", Malformed("invalid UTF-8 at byte 0 of the line")),
        PromptRow(f"{path}:5", Document(f"{path}:5", "last")),
    ]


def test_a_missing_or_damaged_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file matches"):
        [*read_prompts(str(tmp_path / "nothing.txt"))]
    (tmp_path / "a.txt.gz").write_bytes(b"not gzip")
    with pytest.raises(InputError, match=r"a\.txt\.gz cannot be read"):
        [*read_prompts(str(tmp_path / "a.txt.gz"))]
