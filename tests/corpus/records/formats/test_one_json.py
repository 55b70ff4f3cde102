"""Files that end in .json."""

import json
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Document, Malformed
from tests.corpus.records.conftest import records

ROWS = [{"text": text} for text in ("今日は良い天気です。", "明日は雨が降ります。", "HELLO world")]


@pytest.mark.parametrize("name", ["a.json", "a.ndjson"])
def test_json_lines_are_documents(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("\n".join(map(json.dumps, ROWS)) + "\nrubbish\n")
    *found, bad = records(tmp_path / name)
    assert [document.text for document in found if isinstance(document, Document)] == [row["text"] for row in ROWS]
    assert isinstance(bad, Malformed)


@pytest.mark.parametrize("text", [json.dumps(ROWS, indent=1), json.dumps(ROWS), json.dumps(ROWS[0], indent=1)])
def test_another_json_is_refused_with_the_way_out(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=r"a\.json is not one JSON object a line .*; write it so, as `jq -c"):
        records(tmp_path / "a.json")
