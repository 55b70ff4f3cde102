"""What the command answers to words that make no sense, and a whole sweep through it."""

import csv
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.registry import sweep
from tanuki_jax.sweep import main

MINE = """
from dataclasses import replace
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.mixture import Mixture, Source, Stage
from tanuki_jax.config.registry import experiment
from tanuki_jax.config.sweep import Choice, Sweep, Trial

def letters() -> Mixture:
    return Mixture(sources=(Source(name="tasks", tasks=("arithmetic",), documents=400),), stages=(Stage(weights={"tasks": 1.0}),))

def base() -> Experiment:
    tiny = experiment.find("tiny")
    tokenizer = replace(tiny.data.tokenizer, path=FOLDER + "/tokenizer", pieces=600)
    mixture, stores = __file__ + ":letters", FOLDER + "/stores"
    data = replace(tiny.data, mixture=mixture, stores=stores, tokenizer=tokenizer, sequence_length=64, batch_rows=8, held_out_share=0.2)
    layout, held_out = replace(tiny.layout, accumulation=1), replace(tiny.held_out, rows=8)
    return replace(tiny, data=data, steps=12, layout=layout, held_out=held_out)

def seeds() -> Sweep:
    return Sweep(name="seeds", objective="held_out/all", direction="minimize", base=base(), axes={"seed": Choice(values=(1, 2))})

def empty() -> Sweep:
    return Sweep(name="empty", objective="held_out/all", direction="minimize")

def clusterless() -> Sweep:
    return Sweep(name="clusterless", objective="tflops", direction="maximize", trials=(Trial(name="one", experiment=base()),))

def refused() -> Sweep:
    trials = tuple(Trial(name=name, experiment=name + " cannot be", target="h100:1x8") for name in ("one", "two"))
    return Sweep(name="refused", objective="tflops", direction="maximize", trials=trials)
"""


@pytest.fixture
def mine(tmp_path: Path) -> str:
    file = tmp_path / "mine.py"
    file.write_text(MINE.replace("FOLDER", repr(str(tmp_path))))
    return str(file)


def results(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "results.csv").read_text().splitlines()))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--config=layouts_phase3"], "there is no sweep named 'layouts_phase3'; the nearest is 'layouts_phase2'"),
        (["--config=MINE:empty"], "the sweep 'empty' has no trials"),
        (
            ["--config=MINE:clusterless"],
            "the trials of clusterless name no cluster; --target says what to plan for, as in h100:3x8",
        ),
        (
            ["--config=batch", "--executor=plan"],
            "--executor plan does not find the held_out/all that batch seeks; --executor local or slurm does",
        ),
        (
            ["--config=layouts_phase1", "--executor=local"],
            "--executor local does not find the tflops that layouts_phase1 seeks; --executor plan does",
        ),
        (
            ["--config=batch", "--executor=slurm"],
            "--executor slurm needs SLURM, and there is no sbatch and no srun on this machine",
        ),
        (["--config=batch", "--workers=-1"], "--workers is -1, and must not be negative"),
        (["--config=batch", "--sampler=best"], "--sampler takes one of grid, random, tpe, not 'best'"),
        (["--executor=plan"], "--config must be given"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_written(
    mine: str, words: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as raised:
        main([word.replace("MINE", mine) for word in words])
    assert str(raised.value).replace("--config STR", "--config") == sentence
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]


def test_a_sweep_leaves_its_table_and_goes_on(mine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [f"--config={mine}:refused", f"--out={tmp_path / 'out'}", "--workers=2"]
    main([*words, "--trials=1"])
    first = capsys.readouterr().out
    assert "failed: one cannot be" in first and "two" not in first
    main(words)
    said = capsys.readouterr().out
    assert "refused: 2 failed" in said and str(tmp_path / "out" / "results.csv") in said
    rows = results(tmp_path / "out")
    assert [(row["name"], row["outcome"], row["reason"]) for row in rows] == [
        ("one", "failed", "one cannot be"),
        ("two", "failed", "two cannot be"),
    ]


def test_a_bare_name_stands_for_a_folder_and_a_target(monkeypatch: pytest.MonkeyPatch) -> None:
    from tanuki_jax.planning.sweep import run_sweep as command

    told: dict[str, str] = {}
    monkeypatch.setattr(
        command, "carry_out", lambda asked, folder, **rest: told.update(rest, sweep=asked.name, folder=str(folder))
    )
    main(["--config=layouts_phase1"])
    assert (told["sweep"], told["folder"], told["executor"], told["target"]) == (
        "layouts_phase1",
        "sweeps/layouts_phase1",
        "plan",
        "",
    )
    main(["--config=batch", "--out=x"])
    assert (told["sweep"], told["folder"], told["executor"]) == (sweep.find("batch").name, "x", "local")


@pytest.mark.long
def test_a_real_sweep_that_is_killed_goes_on_from_its_checkpoint(mine: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tanuki_jax.sweep", f"--config={mine}:seeds", f"--out={tmp_path / 'out'}"]
    prepare = [sys.executable, "-m", "tanuki_jax.prepare", f"--config={mine}:base", "--workers=1"]
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
