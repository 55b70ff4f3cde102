"""Trials that are trained on this machine, each in a process of its own."""

import dataclasses
import math
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.serialize import to_json
from tanuki_jax.planning.sweep.figures import metric_figures
from tanuki_jax.planning.sweep.outcome import Outcome, failed
from tanuki_jax.planning.sweep.study import ClaimedTrial
from tanuki_jax.training.runs.early_stop import evaluations_of, stop_reason
from tanuki_jax.training.runs.run_folder import read_metrics

COMMAND = (sys.executable, "-m", "tanuki_jax.planning.sweep.train_trial")
POLL_SECONDS = 0.2
"""Time between two checks of a process."""


class TrainedTrials:
    """Executor that trains one trial after another, into runs/NUMBER of the sweep's folder with a log NUMBER.log."""

    def __init__(self, folder: Path, objective: str, command: Sequence[str] = COMMAND) -> None:
        self._folder, self._objective, self._command = folder, objective, command

    def run(self, claimed: ClaimedTrial, stop: threading.Event) -> Outcome | None:
        """Train a trial. Return its outcome, or None if `stop` was set first; then its last state has been saved."""
        experiment = trial_experiment(claimed, self._folder)
        config, log = write_config(experiment), Path(experiment.runs) / f"{experiment.name}.log"
        with log.open("ab") as output:
            # The process inherits the lock. If the sweep is killed, another sweep can claim the trial only after this
            # process has saved and ended too.
            process = subprocess.Popen(
                [*self._command, str(config)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                pass_fds=[claimed.lock.descriptor],
            )
            with process:
                while process.poll() is None:
                    if stop.wait(POLL_SECONDS):
                        process.communicate()  # closes standard input, which stops the run, and waits
                        return None
        if process.returncode:
            return failed(last_line(log) or f"the process ended with code {process.returncode}")
        return trained_outcome(experiment, self._objective)

    def close(self) -> None:
        """Do nothing: each process ends with its trial."""


def trial_experiment(claimed: ClaimedTrial, folder: Path) -> Experiment:
    """Return the experiment of a trial, with a run folder of its own in the sweep's folder."""
    experiment = claimed.trial.experiment
    assert isinstance(experiment, Experiment)
    return dataclasses.replace(experiment, name=f"{claimed.number:04d}", runs=str(folder / "runs"))


def write_config(experiment: Experiment) -> Path:
    """Write the config of a trial for the process that trains it. Return its path."""
    path = Path(experiment.runs) / f"{experiment.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, to_json(experiment))
    return path


def trained_outcome(experiment: Experiment, objective: str) -> Outcome:
    """Return the outcome of a run that has ended, from its metrics. A run that stopped early is done."""
    run, early = Path(experiment.runs) / experiment.name, experiment.early_stop
    figures = metric_figures(read_metrics(run))
    step, value = figures.get("step", 0), figures.get(objective)
    reason = ""
    if step < experiment.steps and not stop_reason(early, evaluations_of(early, run)):
        reason = f"the run stopped at step {step:.0f} of {experiment.steps}"
    elif value is None:
        reason = f"the metrics of the run have no {objective}"
    elif not math.isfinite(value):
        reason = f"{objective} of the run is {value}"
    return Outcome(verdict="failed" if reason else "done", figures=figures, reason=reason)


def last_line(log: Path) -> str:
    """Return the last line that is not empty, without the name of the command before an error."""
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1].removeprefix("tanuki_jax.train: ")[:300] if lines else ""
