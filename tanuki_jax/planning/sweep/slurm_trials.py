"""Trials that SLURM trains, each in a job of its own, which outlives the sweep: one that is begun again waits for the same job."""

import shutil
import threading
from pathlib import Path
from typing import Any

import submitit
from submitit.core.utils import DelayedSubmission, FailedJobError, FailedSubmissionError, UncompletedJobError
from submitit.slurm.slurm import SlurmExecutor, SlurmJob

from tanuki_jax.base.errors import InputError
from tanuki_jax.planning.plan.target import Target
from tanuki_jax.planning.sweep.outcome import Outcome, failed
from tanuki_jax.planning.sweep.study import Claimed
from tanuki_jax.planning.sweep.trained_trials import own, trained_outcome, write_config
from tanuki_jax.planning.sweep.trial import train_trial

LOOK = 2.0
"""Seconds between two looks for the result of a job."""


class Training:
    """What a job does."""

    def __call__(self, config: str, distributed: bool) -> None:
        train_trial(config, distributed=distributed)

    def checkpoint(self, config: str, distributed: bool) -> DelayedSubmission:
        """Called at the time limit or when preempted: queues the same again, which goes on from its newest checkpoint."""
        return DelayedSubmission(self, config, distributed)


def require_slurm() -> None:
    """InputError where there is no SLURM to hand jobs to."""
    missing = [command for command in ("sbatch", "srun") if shutil.which(command) is None]
    if missing:
        raise InputError(f"--executor slurm needs SLURM, and there is no {' and no '.join(missing)} on this machine")


class Queued:
    """Hands one trial after another to SLURM.

    Nodes and GPUs are those of the target; account, partition, time limit (else submitit's five minutes) and the like come from
    sbatch's own variables: SBATCH_ACCOUNT, SBATCH_PARTITION, SBATCH_TIMELIMIT.
    """

    def __init__(self, folder: Path, objective: str, target: Target | None) -> None:
        """`folder` is seen by all nodes. Without a target a job has one task on one node."""
        self._folder, self._objective = folder, objective
        self._jobs = folder.absolute() / "jobs"
        self._shape = (1, 1, 0)
        if target is not None:
            gpus = target.per_node if target.hardware.kind == "gpu" else 0
            self._shape = (target.count // target.per_node, gpus or 1, gpus)  # a process for each GPU

    def run(self, claimed: Claimed, stop: threading.Event) -> Outcome | None:
        """The outcome of a trial, or None if the sweep stopped before; its job goes on."""
        experiment = own(claimed, self._folder)
        nodes, tasks, _ = self._shape
        try:
            if claimed.job:
                job: Any = SlurmJob(folder=self._jobs, job_id=claimed.job, tasks=list(range(nodes * tasks)))
            else:
                job = self._executor().submit(Training(), str(write_config(experiment).absolute()), nodes * tasks > 1)
                claimed.remember(job.job_id)
            while not job.done():
                if stop.wait(LOOK):
                    return None
            error = job.exception()
        except (FailedJobError, FailedSubmissionError, UncompletedJobError) as raised:
            error = raised
        if error is not None:
            return failed(_reason(error))
        return trained_outcome(experiment, self._objective)

    def close(self) -> None:
        """Jobs go on."""

    def _executor(self) -> submitit.Executor:
        nodes, tasks, gpus = self._shape
        executor = SlurmExecutor(folder=self._jobs)
        executor.update_parameters(
            job_name="tanuki_sweep", nodes=nodes, ntasks_per_node=tasks, **({"gpus_per_node": gpus} if gpus else {})
        )
        return executor


def _reason(error: Exception) -> str:
    """The last line of what a job said, or SLURM: submitit puts it below a rule, and sometimes hints of its own below another."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    rules = [place for place, line in enumerate(lines) if set(line) == {"-"}]
    said = lines[rules[0] + 1 : rules[1] if rules[1:] else len(lines)] if rules else lines
    last = said[-1] if said else f"the job ended with {type(error).__name__}"
    return last.removeprefix("tanuki_jax.base.errors.InputError: ")[:300]
