"""Trials that SLURM trains, each in a job that outlives the sweep: a resumed sweep waits for the same job."""

import shutil
import threading
from pathlib import Path
from typing import Any

import submitit
from submitit.core.utils import DelayedSubmission, FailedJobError, FailedSubmissionError, UncompletedJobError
from submitit.slurm.slurm import SlurmExecutor, SlurmJob, _make_sbatch_string

from tanuki_jax.base.errors import InputError
from tanuki_jax.planning.plan.target import Target, parse
from tanuki_jax.planning.sweep.outcome import Outcome, failed
from tanuki_jax.planning.sweep.study import ClaimedTrial
from tanuki_jax.planning.sweep.sweep_settings import JobOptions, SweepSettings
from tanuki_jax.planning.sweep.train_trial import train_trial
from tanuki_jax.planning.sweep.trained_trials import trained_outcome, trial_experiment, write_config

POLL_SECONDS = 2.0
"""Time between two checks for the result of a job."""


class Training:
    """Work of a job, which submitit pickles."""

    def __call__(self, config: str, distributed: bool) -> None:
        """Train a trial in every task of the job."""
        train_trial(config, distributed=distributed)

    def checkpoint(self, config: str, distributed: bool) -> DelayedSubmission:
        """Queue the same work again, which resumes from its newest checkpoint.

        submitit calls it in the job at the time limit or on preemption.
        """
        return DelayedSubmission(self, config, distributed)


def require_slurm() -> None:
    """Raise InputError if SLURM is not installed."""
    missing = [command for command in ("sbatch", "srun") if shutil.which(command) is None]
    if missing:
        raise InputError(f"--executor slurm needs SLURM; this machine has no {' and no '.join(missing)}")


class SlurmTrials:
    """Executor that submits one trial after another to SLURM.

    A job has the nodes and GPUs of the target, and the options of `job`.
    """

    def __init__(self, folder: Path, objective: str, target: Target | None, job: JobOptions) -> None:
        """
        Args:
            folder: folder of the sweep, visible on all nodes.
            objective: figure to read from the metrics.
            target: nodes and GPUs of a job; None: one task on one node.
            job: options of sbatch.
        """
        self._folder, self._objective, self._job = folder, objective, job
        self._jobs = folder.absolute() / "jobs"
        self._shape = _shape(target)

    def run(self, claimed: ClaimedTrial, stop: threading.Event) -> Outcome | None:
        """Wait for the job of a trial. Return its outcome, or None if `stop` was set first; the job continues."""
        experiment = trial_experiment(claimed, self._folder)
        nodes, tasks, _ = self._shape
        try:
            if claimed.job:
                # Another sweep submitted the job and has ended since; submitit finds it by its id.
                job: Any = SlurmJob(folder=self._jobs, job_id=claimed.job, tasks=list(range(nodes * tasks)))
            else:
                job = self._executor().submit(Training(), str(write_config(experiment).absolute()), nodes * tasks > 1)
                claimed.save_job(job.job_id)
            while not job.done():
                if stop.wait(POLL_SECONDS):
                    return None
            error = job.exception()
        except (FailedJobError, FailedSubmissionError, UncompletedJobError) as raised:
            error = raised
        if error is not None:
            return failed(_reason(error))
        return trained_outcome(experiment, self._objective)

    def close(self) -> None:
        """Do nothing: jobs continue."""

    def _executor(self) -> submitit.Executor:
        executor = SlurmExecutor(folder=self._jobs)
        executor.update_parameters(**_parameters(self._shape, self._job))
        return executor


def job_script(settings: SweepSettings) -> str:
    """Return the script of a trial's job, without the trial: what `sbatch` would be given. No SLURM is needed."""
    parameters = _parameters(_shape(parse(settings.target) if settings.target else None), settings.job)
    return _make_sbatch_string("TRIAL", settings.folder.absolute() / "jobs", **parameters)


def _shape(target: Target | None) -> tuple[int, int, int]:
    """Return nodes, tasks on each and GPUs on each: one process for each GPU."""
    if target is None:
        return 1, 1, 0
    gpus = target.per_node if target.hardware.kind == "gpu" else 0
    return target.count // target.per_node, gpus or 1, gpus


def _parameters(shape: tuple[int, int, int], job: JobOptions) -> dict[str, Any]:
    """Return submitit's parameters of a job."""
    nodes, tasks, gpus = shape
    stated = {"partition": job.partition, "account": job.account, "time": job.minutes, "gpus_per_node": gpus}
    others = {"additional_parameters": dict(job.others)} if job.others else {}
    shown = {name: value for name, value in stated.items() if value}
    return {"job_name": "tanuki_sweep", "nodes": nodes, "ntasks_per_node": tasks, **shown, **others}


def _reason(error: Exception) -> str:
    """Return the last line of the output of a job or of SLURM."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # submitit writes its own text, a rule of dashes, the output, and sometimes another rule with hints.
    rules = [number for number, line in enumerate(lines) if set(line) == {"-"}]
    output = lines[rules[0] + 1 : rules[1] if rules[1:] else len(lines)] if rules else lines
    last = output[-1] if output else f"the job ended with {type(error).__name__}"
    return last.removeprefix("tanuki_jax.base.errors.InputError: ")[:300]
