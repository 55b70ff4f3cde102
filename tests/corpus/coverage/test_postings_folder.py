"""Postings of a corpus: what is scanned again, and what is refused."""

from pathlib import Path

import duckdb
import pytest

from tanuki_jax.base.claims import Claim
from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.coverage.postings import read_counts
from tanuki_jax.corpus.coverage.postings_folder import PostingsFolder
from tests.corpus.coverage.scanned import Here, parts_of, write_corpus

TEXTS = [f"狸{number}は森。狐も森にいる。" for number in range(40)]


def files_in(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (folder / "postings").iterdir()}


def test_new_words_are_scanned_for_themselves(tmp_path: Path) -> None:
    parts = parts_of(write_corpus(tmp_path / "a.jsonl", TEXTS))
    PostingsFolder(tmp_path / "out", parts).scan([("森", True)], Here())
    before = files_in(tmp_path / "out")
    [[old, new]] = PostingsFolder(tmp_path / "out", parts).scan([("森", True), ("狐", True)], Here())
    after = files_in(tmp_path / "out")
    assert len(after) == 2 and before.items() <= after.items()
    rows = [duckdb.execute(f"SELECT DISTINCT spelling FROM '{path}'").fetchall() for path in (old, new)]
    assert rows == [[("森",)], [("狐",)]]


def test_parts_that_are_added_are_scanned_for_all_words(tmp_path: Path) -> None:
    first, second = (parts_of(write_corpus(tmp_path / name, TEXTS)) for name in ("a.jsonl", "b.jsonl"))
    PostingsFolder(tmp_path / "out", first).scan([("森", True)], Here())
    PostingsFolder(tmp_path / "out", first).scan([("狐", True)], Here())
    before = files_in(tmp_path / "out")
    files = PostingsFolder(tmp_path / "out", first + second).scan([("森", True)], Here())
    assert [[read_counts(path).documents for path in of_part] for of_part in files] == [[40, 40], [40, 40]]
    assert before.items() <= files_in(tmp_path / "out").items()


def test_a_small_file_that_is_added_changes_its_part_and_is_scanned(tmp_path: Path) -> None:
    paths = [write_corpus(tmp_path / name, TEXTS) for name in ("a.jsonl", "b.jsonl")]
    before, after = parts_of(paths[0]), parts_of(*paths)
    assert len(after) == 1 and before[0].name != after[0].name
    PostingsFolder(tmp_path / "out", before).scan([("森", True)], Here())
    [[postings]] = PostingsFolder(tmp_path / "out", after).scan([("森", True)], Here())
    assert read_counts(postings).documents == 80


def test_a_file_that_has_changed_is_refused(tmp_path: Path) -> None:
    PostingsFolder(tmp_path / "out", parts_of(write_corpus(tmp_path / "a.jsonl", TEXTS))).scan([("森", True)], Here())
    with pytest.raises(InputError, match="or have changed"):
        PostingsFolder(tmp_path / "out", parts_of(write_corpus(tmp_path / "a.jsonl", TEXTS[1:])))


def test_postings_of_another_corpus_are_refused(tmp_path: Path) -> None:
    first, second = (parts_of(write_corpus(tmp_path / name, TEXTS)) for name in ("a.jsonl", "b.jsonl"))
    PostingsFolder(tmp_path / "out", first).scan([("森", True)], Here())
    with pytest.raises(InputError, match=r"another corpus: 1 of its 1 files are not .*, such as .*a\.jsonl"):
        PostingsFolder(tmp_path / "out", second)


def test_postings_of_another_version_are_refused(tmp_path: Path) -> None:
    parts = parts_of(write_corpus(tmp_path / "a.jsonl", TEXTS))
    PostingsFolder(tmp_path / "out", parts).scan([("森", True)], Here())
    record = tmp_path / "out" / "postings.json"
    record.write_text(record.read_text("utf-8").replace('"format": "1', '"format": "0'), "utf-8")
    with pytest.raises(InputError, match="postings of another version"):
        PostingsFolder(tmp_path / "out", parts)


def test_a_command_keeps_what_another_one_scanned_since_it_began(tmp_path: Path) -> None:
    parts = parts_of(write_corpus(tmp_path / "a.jsonl", TEXTS))
    first, second = PostingsFolder(tmp_path / "out", parts), PostingsFolder(tmp_path / "out", parts)
    first.scan([("森", True)], Here())
    second.scan([("狐", True)], Here())
    before = files_in(tmp_path / "out")
    [files] = PostingsFolder(tmp_path / "out", parts).scan([("森", True), ("狐", True)], Here())
    assert len(files) == 2 and files_in(tmp_path / "out") == before


def test_two_commands_on_one_folder_do_not_meet(tmp_path: Path) -> None:
    folder = PostingsFolder(tmp_path / "out", parts_of(write_corpus(tmp_path / "a.jsonl", TEXTS)))
    claim = Claim.attempt(tmp_path / "out" / ".lock")
    assert claim is not None
    try:
        with pytest.raises(InputError, match="another command works in"):
            folder.scan([("森", True)], Here())
    finally:
        claim.release()
