import gzip
from pathlib import Path

from tanuki_jax.corpus.records.files import Slice
from tanuki_jax.corpus.records.formats import plain_text
from tanuki_jax.corpus.records.types import Document, Malformed
from tests.corpus.records.conftest import records


def test_a_text_file_is_a_document_a_blank_one_none_a_broken_one_malformed(tmp_path: Path) -> None:
    contents = {"a.txt": "狸\n\n".encode(), "b.txt": b" \n\n", "c.txt": b"ab\xff", "d.txt.gz": gzip.compress(b"packed")}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    assert records(tmp_path / "a.txt") == [Document(str(tmp_path / "a.txt"), "狸\n\n")]
    assert records(tmp_path / "b.txt") == []
    assert records(tmp_path / "c.txt") == [Malformed("invalid UTF-8 at byte 2 of the file")]
    assert records(tmp_path / "d.txt.gz") == [Document(str(tmp_path / "d.txt.gz"), "packed")]


def test_a_byte_order_mark_is_not_part_of_a_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfa")
    assert records(tmp_path / "a.txt") == [Document(str(tmp_path / "a.txt"), "a")]


def test_a_text_file_holds_no_chat(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("user: 狸")
    (tmp_path / "b.txt").write_text("\n")
    [malformed] = records(tmp_path / "a.txt", "chat")
    assert isinstance(malformed, Malformed)
    assert malformed.reason.startswith("a plain text file; conversations are read from .jsonl, .jsonl.gz")
    assert records(tmp_path / "b.txt", "chat") == []


def test_a_text_that_unpacks_to_too_much_is_malformed(tmp_path: Path) -> None:
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"a" * 5_000))
    (tmp_path / "b.txt").write_bytes(b"a" * 5_000)
    slices = [Slice(str(path), 0, path.stat().st_size) for path in sorted(tmp_path.iterdir())]
    assert [found for slice in slices for _, found in plain_text.rows(slice, longest=4_000)] == [
        Malformed("a compressed text of more than 4000 bytes"),
        "a" * 5_000,
    ]
