"""Progress of a long wait on stderr."""

import re
import threading
import time

import pytest

from tanuki_jax.base.progress import amount, progress

PLAIN_EVERY = 0.05
"""Seconds between plain lines in these tests."""


def wait_for_lines(count: int) -> None:
    time.sleep(PLAIN_EVERY * (count + 0.5))


def test_plain_lines_have_share_rate_time_left_and_status(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("books", 4_000_000, "byte", done=1_000_000, line_every=PLAIN_EVERY) as advance:
        advance(1_500_000, status="700 tokens/s")
        wait_for_lines(1)
    line = capsys.readouterr().err.splitlines()[0]
    assert re.fullmatch(r"books: 2\.5 MB of 4\.0 MB \(62%\), [\d.]+ MB/s, 0:00:\d\d left, 700 tokens/s", line)


def test_units_of_an_earlier_run_do_not_count_for_the_rate() -> None:
    with progress("sums", 1_000, "document", done=900) as advance:
        time.sleep(0.1)
        advance(1)
        found = re.fullmatch(r"sums: 901 of 1,000 documents \(90%\), ([\d.]+) documents/s, .* left", advance.line)
    assert found and float(found[1]) <= 10


def test_the_time_before_the_first_units_does_not_count_for_the_rate() -> None:
    with progress("tiny", 100, "step") as advance:
        advance(0, status="compiling the step")
        time.sleep(0.5)
        for _ in range(3):
            advance(1)
            time.sleep(0.05)
        found = re.search(r"([\d.]+) steps/s", advance.line)
    assert found and float(found[1]) > 10


def test_a_rate_below_one_is_shown_as_seconds_for_each_unit() -> None:
    with progress("plan", 3, "layout") as advance:
        time.sleep(1.05)
        advance()
        assert re.fullmatch(r"plan: 1 of 3 layouts \(33%\), [\d.]+ s a layout, 0:00:\d\d left", advance.line)


def test_a_wait_without_any_advance_shows_its_elapsed_time(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("training a tokenizer", None, line_every=PLAIN_EVERY):
        wait_for_lines(2)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) >= 2
    assert all(re.fullmatch(r"training a tokenizer: 0:00:\d\d elapsed", line) for line in lines)


def test_printed_lines_are_not_changed(capsys: pytest.CaptureFixture[str]) -> None:
    line = "skipped [red]a.jsonl[/red]:3: not JSON " + "x" * 300
    with progress("books", 10) as advance:
        advance.print(line)
    assert capsys.readouterr().err == line + "\n"


@pytest.mark.parametrize("terminal", [False, True])
def test_a_short_wait_shows_nothing(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if terminal:
        monkeypatch.setenv("TTY_INTERACTIVE", "1")
    with progress("books", 10) as advance:
        advance(10)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_shows_a_bar_that_goes_away(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"FORCE_COLOR": "1", "TTY_INTERACTIVE": "1", "TERM": "xterm", "COLUMNS": "120"}.items():
        monkeypatch.setenv(name, value)
    with progress("sums [red]", 300, "document", bar_after=0.0) as advance:
        advance(150, status="9,000 tokens/s")
        time.sleep(0.3)
    shown = capsys.readouterr().err
    assert re.search(r"sums \[red\] .*150 of 300 documents \(50%\), [\d,.]+ documents/s, .*9,000 tokens/s", shown)
    assert shown.endswith("\x1b[2K")  # erases the line


def test_an_error_ends_the_display() -> None:
    with pytest.raises(ValueError, match="stop"), progress("books", 10):
        raise ValueError("stop")
    assert [thread for thread in threading.enumerate() if thread.name == "progress"] == []


@pytest.mark.parametrize(
    ("count", "unit", "text"),
    [(1, "step", "1 step"), (1234, "document", "1,234 documents"), (2_500_000, "byte", "2.5 MB"), (7, "", "7")],
)
def test_an_amount_has_its_unit(count: int, unit: str, text: str) -> None:
    assert amount(count, unit) == text
