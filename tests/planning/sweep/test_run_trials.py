"""Trials are worked through by several at once; one that fails does not stop the others, and a killed sweep goes on."""

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tanuki_jax.config.registry import experiment
from tanuki_jax.config.sweep import Choice, Sweep, Trial
from tanuki_jax.planning.sweep.outcome import Outcome, failed
from tanuki_jax.planning.sweep.run_trials import run
from tanuki_jax.planning.sweep.study import Claimed, Study

TINY = experiment.find("tiny")
SEEDS = Sweep(
    name="seeds", objective="loss", direction="minimize", base=TINY, axes={"seed": Choice(values=(1, 2, 3, 4))}
)
TERMS = {"executor": "local", "target": "", "objective": "loss"}

# A worker in a process of its own, whose third trial kills it.
KILLED = """
import os, signal, sys
from pathlib import Path
from tests.planning.sweep.test_run_trials import SEEDS, TERMS, Stand, run, Study

class Dying(Stand):
    def run(self, claimed, stop):
        if claimed.number == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().run(claimed, stop)

run(Study(SEEDS, Path(sys.argv[1]), "", "grid", 0, TERMS), lambda: Dying([]), 1, lambda: None)
"""


class Stand:
    """In the place of a process: the loss of a trial is its seed."""

    def __init__(self, done: list[str], *, stops: bool = False) -> None:
        self._done, self._stops = done, stops
        self.closed = False

    def run(self, claimed: Claimed, stop: threading.Event) -> Outcome | None:
        if self._stops:
            return None if stop.wait(30) else failed("nobody stopped it")
        self._done.append(claimed.trial.name)
        trial = claimed.trial.experiment
        assert not isinstance(trial, str)
        if trial.seed == 2:
            return failed("two is unlucky")
        return Outcome(verdict="done", figures={"loss": float(trial.seed)})

    def close(self) -> None:
        self.closed = True


def ends(study: Study) -> dict[str, str]:
    return {record.trial.name: record.outcome.verdict for record in study.records() if record.outcome}


def test_all_trials_end_and_every_worker_is_closed(tmp_path: Path) -> None:
    study, done, stands, told = Study(SEEDS, tmp_path, "", "grid", 0, TERMS), list[str](), list[Stand](), list[int]()

    def make() -> Stand:
        stands.append(Stand(done))
        return stands[-1]

    run(study, make, 3, lambda: told.append(study.ended))
    assert sorted(done) == ["seed 1", "seed 2", "seed 3", "seed 4"]
    assert ends(study) == dict.fromkeys(done, "done") | {"seed 2": "failed"}
    assert told == [1, 2, 3, 4]
    assert all(stand.closed for stand in stands)


def test_what_cannot_be_tried_fails_with_its_sentence_and_nothing_is_started(tmp_path: Path) -> None:
    broken = replace(TINY, model=replace(TINY.model, heads=3))
    trials = (Trial(name="words", experiment="it has no layout"), Trial(name="heads", experiment=broken))
    study = Study(
        Sweep(name="s", objective="loss", direction="minimize", trials=trials), tmp_path, "", "grid", 0, TERMS
    )
    run(study, lambda: pytest.fail("an executor was made"), 1, lambda: None)
    reasons = [record.outcome.reason for record in study.records() if record.outcome]
    assert reasons == [
        "it has no layout",
        "model.heads (3) must divide model.width (128), or model.explicit_head_dim be set",
    ]


def test_a_sweep_that_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], cwd=Path(__file__).parents[3], capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    study, done = Study(SEEDS, tmp_path, "", "grid", 0, TERMS), list[str]()
    assert ends(study) == {"seed 1": "done", "seed 2": "failed"}
    run(study, lambda: Stand(done), 1, lambda: None)
    assert done == ["seed 3", "seed 4"]
    assert (study.ended, len(study.records())) == (4, 4)


def test_two_commands_share_the_work(tmp_path: Path) -> None:
    done: list[str] = []
    studies = [Study(SEEDS, tmp_path, "", "grid", 0, TERMS) for _ in range(2)]
    threads = [threading.Thread(target=run, args=(study, lambda: Stand(done), 1, lambda: None)) for study in studies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == ["seed 1", "seed 2", "seed 3", "seed 4"]


def test_an_interrupt_leaves_trials_to_the_next(tmp_path: Path) -> None:
    study = Study(SEEDS, tmp_path, "", "grid", 0, TERMS)
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        run(study, lambda: Stand([], stops=True), 2, lambda: None)
    assert study.ended == 0
    again = study.claim()
    assert again is not None and again.trial.name == "seed 1"


def test_a_fault_of_ours_is_not_swallowed(tmp_path: Path) -> None:
    class Broken(Stand):
        def run(self, claimed: Claimed, stop: threading.Event) -> Outcome | None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(Study(SEEDS, tmp_path, "", "grid", 0, TERMS), lambda: Broken([]), 2, lambda: None)
