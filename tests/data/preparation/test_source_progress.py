import re

import pytest

from tanuki_jax.data.preparation import source_progress as progress
from tanuki_jax.data.preparation.source_progress import source_progress


def test_without_a_terminal_it_prints_plain_lines_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    with source_progress("books", 4_000_000, "bytes") as shown:
        shown.resume(1_000_000)
        shown.advance(1_500_000, 700_000)
        monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 60.0)
        shown.advance(1_500_000, 700_000)
        shown.say("skipped [red]a.jsonl[/red]:3: not JSON")
    resumed, line, said = capsys.readouterr().err.splitlines()
    assert resumed == "books: 1.0 MB of 4.0 MB were encoded by an earlier run"
    assert re.fullmatch(r"books: 2\.5 MB of 4\.0 MB, [\d,]+ tokens/s, 0 s left", line)
    assert said == "skipped [red]a.jsonl[/red]:3: not JSON"


def test_a_terminal_shows_a_bar_with_the_speed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with source_progress("sums", 300, "documents") as shown:
        shown.advance(300, 9_000)
    assert re.search(r"sums .*300 documents of 300 documents, [\d,]+ tokens/s", capsys.readouterr().err)
