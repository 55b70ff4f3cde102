"""A trial is trained in a process of its own, whose metrics, or last words, are the outcome. The processes here only pretend to train."""

import json
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.registry import experiment
from tanuki_jax.config.serialize import from_json
from tanuki_jax.config.sweep import Choice, Sweep
from tanuki_jax.planning.sweep.claims import Claim
from tanuki_jax.planning.sweep.outcome import Outcome, failed
from tanuki_jax.planning.sweep.study import Claimed, Study
from tanuki_jax.planning.sweep.trained_trials import Trained

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
def claimed(tmp_path: Path) -> Claimed:
    found = Study(SWEEP, tmp_path, "", "grid", 0, {}).claim()
    assert found is not None
    return found


def trained(claimed: Claimed, folder: Path, program: str, *words: str) -> Outcome | None:
    command = [sys.executable, "-c", program, *words]
    return Trained(folder, "held_out/all", command).run(claimed, threading.Event())


def lines(*metrics: dict[str, object]) -> str:
    return "".join(json.dumps(line) + "\n" for line in metrics)


def test_the_last_figures_of_a_run_are_the_outcome(claimed: Claimed, tmp_path: Path) -> None:
    outcome = trained(claimed, tmp_path, WRITES, lines(*LINES))
    assert outcome == Outcome(verdict="done", figures={"step": 2, "held_out/all": 5.5, "loss": 6.0})
    config = tmp_path / "runs" / "0000.json"
    tried = from_json(config.read_text(), Experiment)
    assert tried == replace(BASE, seed=5, name="0000", runs=str(tmp_path / "runs"))


@pytest.mark.parametrize(
    ("metrics", "reason"),
    [
        (LINES[:2], "it stopped at step 1 of 2"),
        (LINES[1:3], "its metrics have no held_out/all"),
        ([*LINES[:3], {"step": 2, "held_out/all": float("nan")}], "its held_out/all is nan"),
        ([], "it stopped at step 0 of 2"),
    ],
)
def test_a_run_that_did_not_end_well_fails_with_the_reason(
    claimed: Claimed, tmp_path: Path, metrics: list[dict[str, object]], reason: str
) -> None:
    outcome = trained(claimed, tmp_path, WRITES, lines(*metrics))
    assert outcome is not None
    assert (outcome.verdict, outcome.reason) == ("failed", reason)


def test_a_refusal_is_the_reason(claimed: Claimed, tmp_path: Path) -> None:
    program = "import sys; print('step 1'); sys.exit('tanuki_jax.train: there is no store\\n')"
    assert trained(claimed, tmp_path, program) == failed("there is no store")
    assert "step 1" in (tmp_path / "runs" / "0000.log").read_text()


def test_a_process_that_dies_without_a_word_is_told_by_its_code(claimed: Claimed, tmp_path: Path) -> None:
    assert trained(claimed, tmp_path, "import os; os.kill(os.getpid(), 9)") == failed("the process ended with code -9")


def test_a_stop_closes_the_standard_input_and_waits(claimed: Claimed, tmp_path: Path) -> None:
    program = "import sys; sys.stdin.read(); open(sys.argv[1] + '.saved', 'w').close()"
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    began = time.monotonic()
    assert Trained(tmp_path, "loss", [sys.executable, "-c", program]).run(claimed, stop) is None
    assert time.monotonic() - began < 30
    assert (tmp_path / "runs" / "0000.json.saved").exists()


def test_a_trial_stays_locked_while_its_process_lives(claimed: Claimed, tmp_path: Path) -> None:
    lock = tmp_path / "locks" / "0000"
    program = "import sys, time; open(sys.argv[1] + '.runs', 'w').close(); sys.stdin.read(); time.sleep(1)"
    stop = threading.Event()
    running = threading.Thread(
        target=Trained(tmp_path, "loss", [sys.executable, "-c", program]).run, args=(claimed, stop)
    )
    running.start()
    while not (tmp_path / "runs" / "0000.json.runs").exists():
        time.sleep(0.05)
    claimed.lock.release()
    assert Claim.attempt(lock) is None
    stop.set()
    running.join()
    assert Claim.attempt(lock) is not None
