"""Changes of files since a store was made of them."""

import os
from pathlib import Path

import pytest

from tanuki_jax.data.preparation import input_changes
from tanuki_jax.data.preparation.input_changes import difference, with_digests
from tanuki_jax.data.store import Input


def now(*paths: Path) -> tuple[Input, ...]:
    return tuple(Input(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths)


def test_a_change_of_the_same_size_is_found(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("before")
    before = with_digests(now(file))
    assert difference(before, now(file)) == ""
    file.write_text("after!")
    assert difference(before, now(file)) == f"{file} when it had other content"
    os.utime(file, ns=(0, before[0].modified))
    assert difference(before, now(file)) == f"{file} when it had other content"
    file.write_text("before")
    assert difference(before, now(file)) == ""


def test_a_large_file_is_read_only_if_it_was_written_since(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("before")
    before = with_digests(now(file))
    monkeypatch.setattr(input_changes, "ALWAYS_READ_BYTES", 5)
    file.write_text("after!")
    os.utime(file, ns=(0, before[0].modified))
    assert difference(before, now(file)) == ""
    os.utime(file, ns=(0, 0))
    assert difference(before, now(file)) == f"{file} when it had other content"


def test_other_files_and_sizes_are_named(tmp_path: Path) -> None:
    one, two = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    one.write_text("one")
    two.write_text("two")
    before = with_digests(now(one))
    assert difference(before, now(one, two)) == f"1 files, and the source now has {two} too"
    assert difference(with_digests(now(one, two)), now(one)) == f"{two}, which the source no longer has"
    one.write_text("longer")
    assert difference(before, now(one)) == f"{one} when it had 3 bytes, not 6"


def test_an_older_store_is_compared_by_size(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("after!")
    assert difference((Input(str(file), 6),), now(file)) == ""
    assert with_digests((Input("tasks:sums", 0),)) == (Input("tasks:sums", 0),)
