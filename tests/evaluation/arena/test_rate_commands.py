"""`arena rate` as a user runs it."""

import csv
import re
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.command_line import parse_options
from tanuki_jax.evaluation.arena.rate_commands import rate
from tanuki_jax.evaluation.arena.rate_options import Rate
from tests.evaluation.arena.made_votes import ROWS, write_votes


def run(*words: object) -> None:
    rate(parse_options("arena rate", [str(word) for word in words], Rate))


def test_a_board_and_its_page_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    votes = write_votes(tmp_path / "votes.csv")
    board = tmp_path / "new" / "board.csv"
    run(votes, "--anchor=b", f"--output={board}", "--repetitions", 50)
    with board.open(encoding="utf-8", newline="") as file:
        assert [row["model"] for row in csv.DictReader(file)] == ["a", "b", "c"]
    html = (tmp_path / "new" / "board.html").read_text("utf-8")
    assert "<title>Board from votes.csv</title>" in html
    assert "<script" not in html and not re.search(r'(?:src|href)="(?!data:|#)', html)
    assert html.count("data:image/png;base64,") == 6
    out = capsys.readouterr().out
    assert re.search(r"\n +a +1 +1(?:–\d)? +1147 \[", out)
    assert "20 votes on 3 models" in out
    assert out.endswith(f"the board: {board}, its page: {tmp_path / 'new' / 'board.html'}\n")


def test_several_files_are_rated_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = write_votes(tmp_path / "1.csv", ROWS[:9]), write_votes(tmp_path / "2.csv", ROWS[9:])
    together = write_votes(tmp_path / "all.csv")
    run(first, second, "--anchor=b", f"--output={tmp_path / 'parts.csv'}", "--repetitions=50")
    run(together, "--anchor=b", f"--output={tmp_path / 'one.csv'}", "--repetitions=50")
    assert (tmp_path / "parts.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()
    assert "Board from 1.csv, 2.csv" in (tmp_path / "parts.html").read_text("utf-8")


def test_seed_and_unit_of_the_draws_are_the_users(tmp_path: Path) -> None:
    votes = write_votes(tmp_path / "votes.csv", [(*row, f"v{n % 7}") for n, row in enumerate(ROWS)], ["voter"])
    found = []
    for number, words in enumerate(([], ["--seed=1"], ["--unit=voter"])):
        run(votes, "--anchor=b", f"--output={tmp_path / f'{number}.csv'}", "--repetitions=50", *words)
        found.append((tmp_path / f"{number}.csv").read_text("utf-8"))
    assert len(set(found)) == 3
    assert "the voters, each with all of their votes, were drawn" in (tmp_path / "2.html").read_text("utf-8")


def test_reasons_for_missing_boards_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(*row, "ja", 5, 7) for row in ROWS] + [("a", "c", "model_a", "en\x1b", 5, "")]
    votes = write_votes(tmp_path / "votes.csv", rows, ["language", "length_a", "length_b"])
    run(votes, "--anchor=b", f"--output={tmp_path / 'board.csv'}", "--repetitions=50")
    out = capsys.readouterr().out
    assert "language en\\x1b has no board of its own (1 vote): the anchor 'b' has no battle" in out
    assert "The board at equal style is missing: 1 of 21 battles do not say 'length'" in out


@pytest.mark.parametrize(
    ("rows", "words", "message"),
    [
        (ROWS, [], "--anchor must name the model with a rating of 1000, one of a, b, c"),
        (ROWS, ["--anchor=bb"], "there is no model 'bb' to be the anchor; the nearest is 'b'"),
        (ROWS, ["--anchor=b", "--unit=voter"], "20 of 20 battles name no voter"),
        (ROWS, ["--anchor=b", "--style=bold"], "20 of 20 battles do not say 'bold'"),
        (ROWS, ["--anchor=b", "--output=board.txt"], "--output is 'board.txt', and must end with .csv"),
        ([*ROWS, ("a", "b", "Tie")], ["--anchor=b"], r"votes.csv, line 22: the winner is 'Tie'"),
        ([*ROWS, ("", "", "")], ["--anchor=b"], r"votes.csv, line 22: the line is empty"),
        ([*ROWS, ("d", "b", "model_a")], ["--anchor=b"], "d never lost to or tied with any of the others"),
        ([*ROWS, ("d", "e", "tie")], ["--anchor=b"], "the models form 2 groups that never met each other"),
        ([], ["--anchor=b"], "votes.csv has no votes"),
    ],
)
def test_votes_and_options_that_are_wrong_leave_no_file(
    tmp_path: Path, rows: list[tuple[str, ...]], words: list[str], message: str
) -> None:
    votes = write_votes(tmp_path / "votes.csv", rows)
    with pytest.raises(InputError, match=message):
        run(votes, f"--output={tmp_path / 'board.csv'}", *words)
    assert [path.name for path in tmp_path.iterdir()] == ["votes.csv"]


def test_votes_are_neither_counted_twice_nor_overwritten(tmp_path: Path) -> None:
    votes = write_votes(tmp_path / "votes.csv")
    with pytest.raises(InputError, match="is named twice"):
        run(votes, tmp_path / "." / "votes.csv", "--anchor=b", f"--output={tmp_path / 'board.csv'}")
    with pytest.raises(InputError, match="is a file of votes; name another"):
        run(votes, "--anchor=b", f"--output={votes}")
    assert votes.read_text("utf-8").startswith("model_a,")
