"""The sweep command: its options, errors, and a complete sweep."""

import csv
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.registry import sweep
from tanuki_jax.sweep import main, parse_settings
from tests.planning.sweep.own_sweeps import own_sweeps


@pytest.fixture
def sweeps(tmp_path: Path) -> str:
    return str(own_sweeps(tmp_path))


def results(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "results.csv").read_text().splitlines()))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--config=layouts_phase3"], "there is no sweep named 'layouts_phase3'; the nearest is 'layouts_phase2'"),
        (["--config=OWN:empty"], "the sweep 'empty' has no trials"),
        (
            ["--config=OWN:no_target"],
            "the trials of no_target have no target; set --target, as in --target=h100:3x8",
        ),
        (
            ["--config=batch", "--executor=plan"],
            "--executor plan does not compute held_out/all, the objective of batch; use --executor local or slurm",
        ),
        (
            ["--config=layouts_phase1", "--executor=local"],
            "--executor local does not compute tflops, the objective of layouts_phase1; use --executor plan",
        ),
        (
            ["--config=batch", "--executor=slurm", "--time=60"],
            "--executor slurm needs SLURM; this machine has no sbatch and no srun",
        ),
        (
            ["--config=batch", "--executor=slurm"],
            "--executor slurm needs the time limit of a job: --time MINUTES, or SBATCH_TIMELIMIT",
        ),
        (
            ["--config=batch", "--executor=slurm", "--time=60", "--sbatch=--qos=high"],
            "--sbatch is '--qos=high', and must be like qos=high or exclusive, without dashes before it",
        ),
        (
            ["--config=batch", "--executor=slurm", "--time=60", "--sbatch", "qos="],
            "--sbatch is 'qos=', and must be like qos=high or exclusive, without dashes before it",
        ),
        (
            ["--config=batch", "--executor=slurm", "--time=60", "--sbatch", "nodes=2"],
            "--sbatch nodes=2 is not possible; use --nodes, or --target for nodes with GPUs",
        ),
        (
            ["--config=batch", "--executor=slurm", "--time=60", "--nodes=2", "--target=h100:2x8"],
            "--nodes 2 and --target h100:2x8 both state the nodes; leave one out",
        ),
        (["--config=batch", "--dry-run"], "--dry-run shows a SLURM job: add --executor slurm"),
        (["--config=batch", "--workers=-1"], "--workers is -1, and must be at least 0"),
        (["--config=batch", "--sampler=best"], "--sampler takes one of grid, random, tpe, not 'best'"),
        (["--executor=plan"], "--config must be given"),
    ],
)
def test_invalid_options_are_refused_before_anything_is_written(
    sweeps: str, words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("SBATCH_TIMELIMIT", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as raised:
        main([word.replace("OWN", sweeps) for word in words])
    assert str(raised.value).replace("--config STR", "--config") == message
    assert [path.name for path in tmp_path.iterdir()] == ["own.py"]


def test_a_sweep_writes_its_table_and_resumes(sweeps: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [f"--config={sweeps}:refused", f"--out={tmp_path / 'out'}", "--workers=2"]
    main([*words, "--trials=1"])
    first = capsys.readouterr().out
    assert "failed: one cannot be" in first and "two" not in first
    main(words)
    printed = capsys.readouterr().out
    assert "refused: 2 failed" in printed and str(tmp_path / "out" / "results.csv") in printed
    rows = results(tmp_path / "out")
    assert [(row["name"], row["outcome"], row["reason"]) for row in rows] == [
        ("one", "failed", "one cannot be"),
        ("two", "failed", "two cannot be"),
    ]


def test_folder_and_executor_have_defaults() -> None:
    planned = parse_settings(["--config=layouts_phase1"])
    assert (planned.sweep, planned.folder) == (sweep.find("layouts_phase1"), Path("sweeps/layouts_phase1"))
    assert (planned.executor, planned.target, planned.max_trials) == ("plan", "", 0)
    trained = parse_settings(["--config=batch", "--out=x", "--trials=3"])
    assert (trained.sweep, trained.folder, trained.executor) == (sweep.find("batch"), Path("x"), "local")
    assert trained.max_trials == 3


@pytest.mark.long
def test_a_killed_sweep_resumes_from_its_checkpoint(sweeps: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tanuki_jax.sweep", f"--config={sweeps}:seeds", f"--out={tmp_path / 'out'}"]
    prepare = [sys.executable, "-m", "tanuki_jax.prepare", f"--config={sweeps}:base", "--workers=1"]
    subprocess.run(prepare, check=True, capture_output=True)
    metrics = tmp_path / "out" / "runs" / "0000" / "metrics.jsonl"
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and (not metrics.exists() or len(metrics.read_text().splitlines()) < 3):
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "out" / "results.csv").exists()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "seeds: 2 done" in done.stdout
    events = (tmp_path / "out" / "runs" / "0000" / "events.jsonl").read_text()
    assert '"event": "resumed"' in events
    rows = results(tmp_path / "out")
    assert sorted((row["name"], row["step"]) for row in rows) == [("seed 1", "12"), ("seed 2", "12")]
