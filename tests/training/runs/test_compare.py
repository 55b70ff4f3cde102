"""The command that compares runs."""

from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.compare import main
from tests.training.runs.test_comparison_curves import lines
from tests.training.runs.test_recorded_run import write_run


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("one", "two")):
        write_run(tmp_path / "runs" / name, lines(20, 2.0 + seed), seed=seed)
    return tmp_path / "runs"


def test_tables_and_the_path_of_a_picture_are_printed(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["runs/one", "runs/two"])
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert printed[-1] == ["runs/compare.png"]
    assert ["setting", "one", "two"] in printed and ["seed", "0", "1"] in printed
    assert ["training", "loss,", "last", "2.0000", "3.0000"] in printed
    assert (runs / "compare.png").read_bytes().startswith(b"\x89PNG")


def test_the_picture_goes_where_it_is_wanted(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["runs/one", "--plot", "pictures/both.png", "runs/two", "runs/one"])
    assert capsys.readouterr().out.endswith("\npictures/both.png\n")
    assert (runs.parent / "pictures" / "both.png").is_file() and not (runs / "compare.png").exists()


def test_equal_settings_are_said_to_be(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(runs / "three", [])
    main(["runs/one", "runs/three"])
    assert capsys.readouterr().out.startswith("no setting of the runs is known to differ\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "RUNS must be given"),
        (["runs/one", "runs/four"], "there is no run at runs/four: no such folder"),
        (["runs/one", "."], "is not a run folder"),
    ],
)
def test_what_is_no_run_is_refused_before_a_picture_is_made(runs: Path, words: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        main(words)
    assert not (runs / "compare.png").exists()
