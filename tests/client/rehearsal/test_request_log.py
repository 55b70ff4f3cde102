"""The log of a mock endpoint."""

from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.base.json_lines import lines
from tanuki_jax.client.rehearsal.request_log import RequestLog, request_id


@pytest.mark.parametrize(
    ("body", "identifier"),
    [
        ({"user": "狸"}, "狸"),
        ({"user": "a", "metadata": {"id": "b"}}, "b"),
        ({"user": "a", "metadata": {"id": None}}, "a"),
        ({"user": "a", "metadata": 3}, "a"),
        ({"user": None}, ""),
        ({"user": 7}, "7"),
        ({"user": [[]]}, ""),
        ([], ""),
        (None, ""),
    ],
)
def test_the_id_of_a_request_is_in_its_metadata_or_user(body: Any, identifier: str) -> None:
    assert request_id(body) == identifier


def test_lines_are_added_at_the_end_and_are_there_at_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "log.jsonl"
    for number in range(2):
        log = RequestLog(path)
        body = {"user": f"{number}\u2028\ud83d", "stream": True}
        log.note(seconds=number / 3, path="/v1/x", body=body, data=b"a", answer="answered")
        assert len([*lines(path)]) == number + 1
        log.close()
    [(_, first), (_, second)] = lines(path)
    assert first == {
        "seconds": 0.0,
        "path": "/v1/x",
        "id": "0\u2028?",
        "hash": "ca978112ca1bbdca",  # the beginning of the SHA-256 of "a"
        "stream": True,
        "answer": "answered",
    }
    assert second["seconds"] == 0.333


def test_a_request_without_an_id_has_its_hash(tmp_path: Path) -> None:
    log = RequestLog(tmp_path / "log.jsonl")
    log.note(seconds=0, path="/", body=None, data=b"a", answer="refused")
    log.close()
    [(_, line)] = lines(tmp_path / "log.jsonl")
    assert line["id"] == line["hash"] == "ca978112ca1bbdca"


def test_without_a_file_nothing_is_kept() -> None:
    log = RequestLog(None)
    log.note(seconds=0, path="/", body=None, data=b"", answer="refused")
    log.close()
