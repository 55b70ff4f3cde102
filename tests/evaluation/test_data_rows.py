"""Rows of public files, and the errors of files that are not what they should be."""

from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.data_rows import checksum, fields_of, read_rows

ROWS = [{"a": "1", "b": "あ"}, {"a": "2", "b": "い"}]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.json", '[{"a": "1", "b": "あ"}, {"a": "2", "b": "い"}]'),
        ("x.json", '{"a": "1", "b": "あ"}\n{"a": "2", "b": "い"}\n'),
        ("x.jsonl", '\ufeff{"a": "1", "b": "あ"}\r\n\r\n{"a": "2", "b": "い"}'),
        ("x.csv", 'a,b\n1,"あ"\n2,い\n'),
        ("x.tsv", "a\tb\n1\tあ\n2\tい\n"),
    ],
)
def test_every_format_gives_the_same_rows(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_rows(tmp_path / name) == ROWS


def test_columns_without_a_line_of_names_are_named(tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_text('1\tあ"\n2\tい\n', encoding="utf-8")
    assert read_rows(tmp_path / "x.tsv", columns=("a", "b"))[0] == {"a": "1", "b": 'あ"'}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.json", b"[{]", "are not JSON"),
        ("x.jsonl", b'{"a": 1}\n{"a"', "line 2 of .* is not JSON"),
        ("x.jsonl", b"[1]", "row 1 of .* is no JSON object"),
        ("x.csv", b"a,b\n1\n", "row 2 of .* has 1 columns, and should have 2"),
        ("x.jsonl", b"\xff\xfe", "are not UTF-8"),
        ("x.jsonl", b"\n", "have no rows"),
        ("x.xml", b"<a/>", "have no suffix that is known"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_rows(tmp_path / name)


def test_a_missing_file_says_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or directory; it is in the repository"):
        read_rows(tmp_path / "x.json", how="it is in the repository a/b")


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    assert fields_of(tmp_path, 1, {"a": 1, "b": "x"}, "b", "a") == ("x", "1")
    with pytest.raises(InputError, match=r"row 3 of .* has no field 'c'; it has a"):
        fields_of(tmp_path, 3, {"a": 1}, "a", "c")


def test_the_checksum_is_that_of_sha256(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert checksum(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
