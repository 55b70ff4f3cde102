import json
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.rules.japanese_share import JapaneseShare
from tanuki_jax.corpus.cleaning.rules.length import Length
from tanuki_jax.corpus.cleaning.score_documents import score_file
from tests.corpus.cleaning.corpora import pipeline, texts, write_lines


def scored(folder: Path, source: Path) -> list[dict[str, Any]]:
    """Return the lines that scoring writes."""
    rules = (Length(shortest=20), JapaneseShare())
    counts = score_file(pipeline(source, rules=rules), str(source), folder / "out" / "b.jsonl")
    lines = (folder / "out" / "b.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert counts.rows == len(rows)
    assert counts.kept == sum(row["keep"] for row in rows)
    return rows


def test_lines_are_those_of_the_input_in_its_order(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "a.jsonl", texts(20))
    rows = scored(tmp_path, source)
    assert [row["id"] for row in rows] == [f"d{n}" for n in range(20)]
    assert [row["keep"] for row in rows] == [n % 5 != 0 for n in range(20)]
    assert rows[1] == {"id": "d1", "keep": True, "score": 1.0, "reasons": []}


def test_every_rule_that_drops_is_a_reason(tmp_path: Path) -> None:
    [row] = scored(tmp_path, write_lines(tmp_path / "a.jsonl", [{"id": "a", "text": "english"}]))
    assert row["reasons"] == ["length: too short", "japanese_share: too little Japanese"]
    assert row["score"] == pytest.approx(1 / 3)


def test_a_row_without_a_text_keeps_its_place(tmp_path: Path) -> None:
    rows = scored(tmp_path, write_lines(tmp_path / "a.jsonl", [*texts(2, 1), {"no": "text"}, *texts(2, 3)]))
    assert [row["keep"] for row in rows] == [True, True, False, True, True]
    assert rows[2]["reasons"][0].startswith("no text")


def test_a_damaged_file_leaves_no_output(tmp_path: Path) -> None:
    source = tmp_path / "a.jsonl.gz"
    source.write_bytes(b"\x1f\x8b\x08 nothing")
    with pytest.raises(InputError, match="cannot be read"):
        scored(tmp_path, source)
    assert not (tmp_path / "out" / "b.jsonl").exists()
