"""The bench command: what it prints, writes and refuses."""

import subprocess
import sys
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.bench import main
from tanuki_jax.planning.bench import bench_report
from tanuki_jax.planning.bench.targets import TARGETS


def test_a_benchmark_prints_its_table_and_writes_its_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["loader", "--sizes", "small", "--json", str(tmp_path / "loader.json")])
    assert "tokens/s a core" in capsys.readouterr().out
    (result,), about = bench_report.read(tmp_path / "loader.json")
    assert (result.outcome, about["device"]) == ("measured", "cpu")


def test_a_report_becomes_a_table_of_targets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench_report.write(tmp_path / "h200.json", [], {})
    main(["table", str(tmp_path / "h200.json")])
    assert capsys.readouterr().out.count("not measured yet") == len(TARGETS)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["flash"], "there is no benchmark 'flash'; choose one of attention, "),
        (["attention", "--sizes", "huge"], "--sizes takes one of full, small"),
        (
            ["step", "--config=8b", "--layers", "4", "2"],
            "--layers takes one depth, or two in increasing order, not 4 2",
        ),
        (["step", "--config=8b", "--rows", "0"], r"--rows\[0\] is 0, and must be above 0"),
        (["all"], "--json must be given"),
        (["compile", "--target", "h300"], "there is no target 'h300'"),
    ],
)
def test_invalid_options_are_refused(words: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        main(words)


def test_the_command_is_imported_without_jax() -> None:
    program = "import sys, tanuki_jax.bench; print(sorted({'jax', 'flax', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"
