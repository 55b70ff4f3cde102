"""Prompts as people have them in files."""

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Conversation, Document, Malformed, Message
from tanuki_jax.inference.prompts import Given, prompts

LINES = """{"prompt": "昔々、", "id": 7}

{"messages": [{"role": "user", "content": "狸は？"}], "source": "x"}
{"prompt": 3}
{"messages": [{"role": "user", "content": "狸は？"}, {"role": "assistant", "content": "います。"}]}
{"text": "a"}
nothing
"""


def test_json_lines_hold_texts_and_conversations_and_what_is_neither_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(LINES, encoding="utf-8")
    (first, text), (third, chat), *refused = prompts(str(path))
    assert (first, text) == (f"{path}:1", Document("7", "昔々、"))
    assert (third, chat) == (f"{path}:3", Conversation(f"{path}:34", (Message("user", "狸は？"),), {"source": "x"}))
    assert refused == [
        Given(f"{path}:4", Malformed("the field 'prompt' is not text but of type int")),
        Given(f"{path}:5", Malformed("the last turn is not the user's")),
        Given(f"{path}:6", Malformed("no field 'prompt' among 'text'")),
        Given(f"{path}:7", Malformed("not JSON: Expecting value: line 1 column 1 (char 0)")),
    ]


def test_parquet_rows_are_numbered_over_all_row_groups(tmp_path: Path) -> None:
    table = pa.table({"prompt": ["a", "b", "c", None]})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=2)
    found = [*prompts(str(tmp_path / "*.parquet"))]
    assert [given.place.rpartition(":")[2] for given in found] == ["1", "2", "3", "4"]
    assert [getattr(given.record, "text", None) for given in found] == ["a", "b", "c", None]


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
def test_lines_of_a_plain_text_are_texts(name: str, tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf " + "狸は".encode() + b" \r\n\n\xff\n \nlast"
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    path = tmp_path / name
    assert [*prompts(str(path))] == [
        Given(f"{path}:1", Document(f"{path}:1", " 狸は ")),
        Given(f"{path}:3", Malformed("invalid UTF-8 at byte 0 of the line")),
        Given(f"{path}:5", Document(f"{path}:5", "last")),
    ]


def test_a_file_that_is_not_there_or_damaged_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file matches"):
        [*prompts(str(tmp_path / "nothing.txt"))]
    (tmp_path / "a.txt.gz").write_bytes(b"not gzip")
    with pytest.raises(InputError, match=r"a\.txt\.gz cannot be read"):
        [*prompts(str(tmp_path / "a.txt.gz"))]
