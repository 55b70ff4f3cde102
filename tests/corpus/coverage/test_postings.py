"""Postings of a part: the same rows however the corpus is cut."""

from pathlib import Path
from typing import Any

import duckdb

from tanuki_jax.corpus.coverage.postings import Counts, ScanTask, read_counts
from tests.corpus.coverage.scanned import parts_of, write_corpus

SPELLINGS = (("狐", True), ("狸", True), ("森の", True))
TEXTS = [f"{number}匹の狸は森の中。{'狐' * (number % 3)}" * (number % 4) for number in range(200)]


def scanned(path: Path, part_bytes: int) -> tuple[list[Any], list[Counts]]:
    """Return all rows but the numbers of documents, and the counts of the parts."""
    files = []
    for number, part in enumerate(parts_of(path, part_bytes=part_bytes)):
        files.append(path.parent / f"{part_bytes}-{number}.parquet")
        ScanTask(part, SPELLINGS, files[-1]).run()
    query = "SELECT spelling, inside, id, start, stop, sketch FROM read_parquet($files) ORDER BY ALL"
    return duckdb.execute(query, {"files": [str(file) for file in files]}).fetchall(), [*map(read_counts, files)]


def test_rows_do_not_depend_on_the_parts(tmp_path: Path) -> None:
    path = write_corpus(tmp_path / "a.jsonl", TEXTS)
    (whole, [counts]), (cut, several) = scanned(path, 1 << 26), scanned(path, 1000)
    assert whole == cut and len(whole) > 300 and len(several) > 3
    assert Counts(*map(sum, zip(*several, strict=True))) == counts
    assert counts == Counts(150, sum(map(len, TEXTS)), 50), "50 texts are empty"


def test_rows_that_are_no_documents_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "狸"}\nno JSON\n{"other": 1}\n{"text": "狐と狸"}\n', "utf-8")
    rows, [counts] = scanned(path, 1 << 26)
    assert counts == Counts(2, 4, 2)
    assert {(row[0], row[3], row[4]) for row in rows} == {("狐", 0, 1), ("狸", 0, 1), ("狸", 2, 3)}


def test_a_part_without_a_spelling_has_an_empty_file(tmp_path: Path) -> None:
    rows, [counts] = scanned(write_corpus(tmp_path / "a.jsonl", ["何もない"]), 1 << 26)
    assert rows == [] and counts.documents == 1
