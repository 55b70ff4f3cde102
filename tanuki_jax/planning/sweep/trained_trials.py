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
from tanuki_jax.planning.sweep import figures
from tanuki_jax.planning.sweep.outcome import Outcome, failed
from tanuki_jax.planning.sweep.study import Claimed
from tanuki_jax.training.runs.run_folder import read_metrics

COMMAND = (sys.executable, "-m", "tanuki_jax.planning.sweep.trial")
LOOK = 0.2
"""Seconds between two looks at a process."""


class Trained:
    """Trains one trial after another, each into runs/NUMBER of the sweep's folder, its words into NUMBER.log."""

    def __init__(self, folder: Path, objective: str, command: Sequence[str] = COMMAND) -> None:
        self._folder, self._objective, self._command = folder, objective, command

    def run(self, claimed: Claimed, stop: threading.Event) -> Outcome | None:
        """The outcome of a trial, or None if it was stopped before; what it had done until then is saved."""
        experiment = own(claimed, self._folder)
        config, log = write_config(experiment), Path(experiment.runs) / f"{experiment.name}.log"
        with log.open("ab") as said:
            # The lock passes to the process, so that a sweep which is killed frees the trial only when this has saved and ended too.
            process = subprocess.Popen(
                [*self._command, str(config)],
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
                pass_fds=[claimed.lock.descriptor],
            )
            with process:
                while process.poll() is None:
                    if stop.wait(LOOK):
                        process.communicate()  # closes its standard input, and waits
                        return None
        if process.returncode:
            return failed(last_words(log) or f"the process ended with code {process.returncode}")
        return trained_outcome(experiment, self._objective)

    def close(self) -> None:
        """Nothing outlives a trial."""


def own(claimed: Claimed, folder: Path) -> Experiment:
    """A trial's experiment with a run folder of its own below that folder."""
    experiment = claimed.trial.experiment
    assert isinstance(experiment, Experiment)
    return dataclasses.replace(experiment, name=f"{claimed.number:04d}", runs=str(folder / "runs"))


def write_config(experiment: Experiment) -> Path:
    """The file that `train_trial` reads."""
    path = Path(experiment.runs) / f"{experiment.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, to_json(experiment))
    return path


def trained_outcome(experiment: Experiment, objective: str) -> Outcome:
    """What the metrics of a run that has ended say."""
    found = figures.of_metrics(read_metrics(Path(experiment.runs) / experiment.name))
    step, value = found.get("step", 0), found.get(objective)
    if step < experiment.steps:
        return Outcome(verdict="failed", figures=found, reason=f"it stopped at step {step:.0f} of {experiment.steps}")
    if value is None:
        return Outcome(verdict="failed", figures=found, reason=f"its metrics have no {objective}")
    if not math.isfinite(value):
        return Outcome(verdict="failed", figures=found, reason=f"its {objective} is {value}")
    return Outcome(verdict="done", figures=found)


def last_words(log: Path) -> str:
    """The last line that is not empty, without the name of the command that a refusal begins with."""
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1].removeprefix("tanuki_jax.train: ")[:300] if lines else ""
