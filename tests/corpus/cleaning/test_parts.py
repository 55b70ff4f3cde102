import os
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.parts import cut
from tests.corpus.cleaning.corpora import pipeline, texts, write_lines


def names(*paths: Path, key: str = "k", part_bytes: int = 1 << 20) -> list[str]:
    """Return the names of the parts of some files."""
    return [part.name for part in cut(pipeline(*paths, part_bytes=part_bytes), key).parts]


def test_a_large_file_is_cut_and_small_ones_are_joined(tmp_path: Path) -> None:
    large = write_lines(tmp_path / "large.jsonl", texts(200))
    small = [write_lines(tmp_path / f"s{n}.jsonl", texts(2)) for n in range(40)]
    size = small[0].stat().st_size
    parts = cut(pipeline(large, *small, part_bytes=4 * size), "k").parts
    of_large = [part for part in parts if part.files[0].path == str(large)]
    assert len(of_large) == -(-large.stat().st_size // (4 * size))
    joined = [len(part.files) for part in parts if part not in of_large]
    assert sum(joined) == 40
    assert 5 <= len(joined) <= 25
    assert max(joined) <= 16


def test_a_name_changes_with_file_rules_and_source(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "a.jsonl", texts(3))
    before = names(file)
    assert names(file) == before
    assert names(file, key="other") != before
    os.utime(file, ns=(0, 0))
    assert names(file) != before


def test_a_file_that_is_added_changes_few_parts(tmp_path: Path) -> None:
    files = [write_lines(tmp_path / f"{n:02d}.jsonl", texts(5, n)) for n in range(40)]
    before = names(*files, part_bytes=2_000)
    assert 5 < len(before) < 40
    for place in ("03b", "20b", "30b", "99"):
        added = write_lines(tmp_path / f"{place}.jsonl", texts(5))
        assert len(set(before) - set(names(*files, added, part_bytes=2_000))) <= 2


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    good = write_lines(tmp_path / "a.jsonl", texts(3))
    (tmp_path / "b.parquet").write_bytes(b"PAR1 nothing")
    (tmp_path / "c.jsonl").touch()
    found = cut(pipeline(good, tmp_path / "b.parquet", tmp_path / "c.jsonl"), "k")
    assert len(found.parts) == 1
    assert "b.parquet is not a readable Parquet file" in found.unreadable[0]
    assert found.empty == (str(tmp_path / "c.jsonl"),)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    with pytest.raises(InputError, match="binary by its name"):
        cut(pipeline(tmp_path / "a.pdf"), "k")
