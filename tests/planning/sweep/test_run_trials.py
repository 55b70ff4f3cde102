"""Trials of several workers: one that fails does not stop the others, and a killed sweep resumes."""

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
from tanuki_jax.planning.sweep.study import ClaimedTrial, Study
from tanuki_jax.planning.sweep.sweep_settings import SweepSettings

TINY = experiment.find("tiny")
SEEDS = Sweep(
    name="seeds", objective="loss", direction="minimize", base=TINY, axes={"seed": Choice(values=(1, 2, 3, 4))}
)


def open_study(folder: Path, sweep: Sweep = SEEDS) -> Study:
    return Study(SweepSettings(sweep=sweep, folder=folder, executor="local"))


# A worker in a process of its own, which is killed in its third trial.
KILLED = """
import os, signal, sys
from pathlib import Path
from tests.planning.sweep.test_run_trials import StandIn, open_study, run

class Dying(StandIn):
    def run(self, claimed, stop):
        if claimed.number == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().run(claimed, stop)

run(open_study(Path(sys.argv[1])), lambda: Dying([]), 1, lambda: None)
"""


class StandIn:
    """Executor without processes: the loss of a trial is its seed."""

    def __init__(self, done: list[str], *, stops: bool = False) -> None:
        self._done, self._stops = done, stops
        self.closed = False

    def run(self, claimed: ClaimedTrial, stop: threading.Event) -> Outcome | None:
        if self._stops:
            return None if stop.wait(30) else failed("it was not stopped")
        self._done.append(claimed.trial.name)
        trial = claimed.trial.experiment
        assert not isinstance(trial, str)
        if trial.seed == 2:
            return failed("the seed is 2")
        return Outcome(verdict="done", figures={"loss": float(trial.seed)})

    def close(self) -> None:
        self.closed = True


def ends(study: Study) -> dict[str, str]:
    return {record.trial.name: record.outcome.verdict for record in study.records() if record.outcome}


def test_all_trials_end_and_every_executor_is_closed(tmp_path: Path) -> None:
    study, done, executors, ended = open_study(tmp_path), list[str](), list[StandIn](), list[int]()

    def make() -> StandIn:
        executors.append(StandIn(done))
        return executors[-1]

    run(study, make, 3, lambda: ended.append(study.ended))
    assert sorted(done) == ["seed 1", "seed 2", "seed 3", "seed 4"]
    assert ends(study) == dict.fromkeys(done, "done") | {"seed 2": "failed"}
    assert ended == [1, 2, 3, 4]
    assert all(executor.closed for executor in executors)


def test_an_invalid_experiment_fails_and_nothing_is_started(tmp_path: Path) -> None:
    broken = replace(TINY, model=replace(TINY.model, heads=3))
    trials = (Trial(name="words", experiment="it has no layout"), Trial(name="heads", experiment=broken))
    study = open_study(tmp_path, Sweep(name="s", objective="loss", direction="minimize", trials=trials))
    run(study, lambda: pytest.fail("an executor was made"), 1, lambda: None)
    reasons = [record.outcome.reason for record in study.records() if record.outcome]
    assert reasons == [
        "it has no layout",
        "model.heads (3) must divide model.width (128), or model.explicit_head_dim be set",
    ]


def test_a_killed_sweep_resumes_where_it_ended(tmp_path: Path) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], cwd=Path(__file__).parents[3], capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    study, done = open_study(tmp_path), list[str]()
    assert ends(study) == {"seed 1": "done", "seed 2": "failed"}
    run(study, lambda: StandIn(done), 1, lambda: None)
    assert done == ["seed 3", "seed 4"]
    assert (study.ended, len(study.records())) == (4, 4)


def test_two_commands_share_the_trials(tmp_path: Path) -> None:
    done: list[str] = []
    studies = [open_study(tmp_path) for _ in range(2)]
    threads = [threading.Thread(target=run, args=(study, lambda: StandIn(done), 1, lambda: None)) for study in studies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == ["seed 1", "seed 2", "seed 3", "seed 4"]


def test_an_interrupt_releases_trials(tmp_path: Path) -> None:
    study = open_study(tmp_path)
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        run(study, lambda: StandIn([], stops=True), 2, lambda: None)
    assert study.ended == 0
    again = study.claim()
    assert again is not None and again.trial.name == "seed 1"


def test_an_error_of_an_executor_is_raised(tmp_path: Path) -> None:
    class Broken(StandIn):
        def run(self, claimed: ClaimedTrial, stop: threading.Event) -> Outcome | None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(open_study(tmp_path), lambda: Broken([]), 2, lambda: None)
