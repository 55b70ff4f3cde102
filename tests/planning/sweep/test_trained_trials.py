"""Trained trials: the outcome is read from a process's metrics or last line. Stand-in processes write both."""

import json
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tanuki_jax.base.claims import Claim
from tanuki_jax.config.early_stop import EarlyStop
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.registry import experiment
from tanuki_jax.config.serialize import from_json
from tanuki_jax.config.sweep import Choice, Sweep
from tanuki_jax.planning.sweep.outcome import Outcome, failed
from tanuki_jax.planning.sweep.study import ClaimedTrial, Study
from tanuki_jax.planning.sweep.sweep_settings import SweepSettings
from tanuki_jax.planning.sweep.trained_trials import TrainedTrials

BASE = replace(experiment.find("tiny"), steps=2)
SWEEP = Sweep(name="s", objective="held_out/all", direction="minimize", base=BASE, axes={"seed": Choice(values=(5, 6))})
WRITES = """
import sys
from pathlib import Path
run = Path(sys.argv[2]).with_suffix("")
run.mkdir()
(run / "metrics.jsonl").write_text(sys.argv[1])
"""
LINES: list[dict[str, object]] = [
    {"step": 0, "held_out/all": 7.5},
    {"step": 1, "loss": 7.0, "expert_shares": [0.5, 0.5]},
    {"step": 2, "loss": 6.0},
    {"step": 2, "held_out/all": 5.5},
]


@pytest.fixture
def claimed(tmp_path: Path) -> ClaimedTrial:
    claimed = Study(SweepSettings(sweep=SWEEP, folder=tmp_path, executor="local")).claim()
    assert claimed is not None
    return claimed


def trained(claimed: ClaimedTrial, folder: Path, program: str, *words: str) -> Outcome | None:
    command = [sys.executable, "-c", program, *words]
    return TrainedTrials(folder, "held_out/all", command).run(claimed, threading.Event())


def lines(*metrics: dict[str, object]) -> str:
    return "".join(json.dumps(line) + "\n" for line in metrics)


def test_the_last_figures_of_a_run_are_the_outcome(claimed: ClaimedTrial, tmp_path: Path) -> None:
    outcome = trained(claimed, tmp_path, WRITES, lines(*LINES))
    assert outcome == Outcome(verdict="done", figures={"step": 2, "held_out/all": 5.5, "loss": 6.0})
    config = tmp_path / "runs" / "0000.json"
    written = from_json(config.read_text(), Experiment)
    assert written == replace(BASE, seed=5, name="0000", runs=str(tmp_path / "runs"))


@pytest.mark.parametrize(
    ("metrics", "reason"),
    [
        (LINES[:2], "the run stopped at step 1 of 2"),
        (LINES[1:3], "the metrics of the run have no held_out/all"),
        ([*LINES[:3], {"step": 2, "held_out/all": float("nan")}], "held_out/all of the run is nan"),
        ([], "the run stopped at step 0 of 2"),
    ],
)
def test_an_incomplete_run_fails_with_the_reason(
    claimed: ClaimedTrial, tmp_path: Path, metrics: list[dict[str, object]], reason: str
) -> None:
    outcome = trained(claimed, tmp_path, WRITES, lines(*metrics))
    assert outcome is not None
    assert (outcome.verdict, outcome.reason) == ("failed", reason)


def test_a_run_that_stopped_early_is_done(tmp_path: Path) -> None:
    sweep = replace(SWEEP, base=replace(BASE, steps=9, early_stop=EarlyStop(patience=1)))
    claimed = Study(SweepSettings(sweep=sweep, folder=tmp_path, executor="local")).claim()
    assert claimed is not None
    outcome = trained(claimed, tmp_path, WRITES, lines(*LINES, {"step": 4, "held_out/all": 5.75}))
    assert outcome is not None and (outcome.verdict, outcome.figures["step"]) == ("done", 4)


def test_an_error_message_is_the_reason(claimed: ClaimedTrial, tmp_path: Path) -> None:
    program = "import sys; print('step 1'); sys.exit('tanuki_jax.train: there is no store\\n')"
    assert trained(claimed, tmp_path, program) == failed("there is no store")
    assert "step 1" in (tmp_path / "runs" / "0000.log").read_text()


def test_a_process_that_dies_without_output_is_reported_by_its_code(claimed: ClaimedTrial, tmp_path: Path) -> None:
    assert trained(claimed, tmp_path, "import os; os.kill(os.getpid(), 9)") == failed("the process ended with code -9")


def test_a_stop_closes_standard_input_and_waits(claimed: ClaimedTrial, tmp_path: Path) -> None:
    program = "import sys; sys.stdin.read(); open(sys.argv[1] + '.saved', 'w').close()"
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    start = time.monotonic()
    assert TrainedTrials(tmp_path, "loss", [sys.executable, "-c", program]).run(claimed, stop) is None
    assert time.monotonic() - start < 30
    assert (tmp_path / "runs" / "0000.json.saved").exists()


def test_a_trial_stays_locked_while_its_process_lives(claimed: ClaimedTrial, tmp_path: Path) -> None:
    lock = tmp_path / "locks" / "0000"
    program = "import sys, time; open(sys.argv[1] + '.runs', 'w').close(); sys.stdin.read(); time.sleep(1)"
    stop = threading.Event()
    running = threading.Thread(
        target=TrainedTrials(tmp_path, "loss", [sys.executable, "-c", program]).run, args=(claimed, stop)
    )
    running.start()
    while not (tmp_path / "runs" / "0000.json.runs").exists():
        time.sleep(0.05)
    claimed.lock.release()
    assert Claim.attempt(lock) is None
    stop.set()
    running.join()
    assert Claim.attempt(lock) is not None
