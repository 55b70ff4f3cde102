"""Trials that SLURM trains, each in a job that outlives the sweep: a resumed sweep waits for the same job."""

import logging
import shlex
import shutil
import threading
from pathlib import Path
from typing import Any

from submitit.core.utils import FailedJobError, FailedSubmissionError
from submitit.slurm.slurm import SlurmExecutor, SlurmJob, _make_sbatch_string

from tanuki_jax.base.errors import InputError
from tanuki_jax.planning.plan.target import Target, parse
from tanuki_jax.planning.sweep.outcome import Outcome, failed
from tanuki_jax.planning.sweep.slurm_queue import ENDED, GONE, Queue
from tanuki_jax.planning.sweep.slurm_training import OUT_OF_TIME, Training
from tanuki_jax.planning.sweep.study import ClaimedTrial
from tanuki_jax.planning.sweep.sweep_settings import JobOptions, SweepSettings
from tanuki_jax.planning.sweep.trained_trials import trained_outcome, trial_experiment, write_config

POLL_SECONDS = 2.0
"""Time between two checks for the result of a job."""
MOST_SECONDS_TO_SAVE = 600
"""Largest time between the signal that a job's time is up and its limit; a tenth of the limit if that is less."""

_log = logging.getLogger(__name__)


class TrialJob(SlurmJob[None]):
    """A job whose state squeue tells."""

    watcher = Queue()


class TrialExecutor(SlurmExecutor):
    """Submission of jobs by sbatch."""

    job_class = TrialJob

    def _make_submission_command(self, submission_file_path: Path) -> list[str]:
        """Return the command with the options of the script: variables such as SBATCH_PARTITION win over a script's
        options, and these win over variables."""
        lines = submission_file_path.read_text().splitlines()
        options = [word for line in lines if line.startswith("#SBATCH ") for word in shlex.split(line)[1:]]
        return ["sbatch", *options, str(submission_file_path)]


def require_slurm() -> None:
    """Raise InputError if SLURM is not installed."""
    missing = [command for command in ("sbatch", "srun") if shutil.which(command) is None]
    if missing:
        raise InputError(f"--executor slurm needs SLURM; this machine has no {' and no '.join(missing)}")


class SlurmTrials:
    """Executor that submits one trial after another to SLURM.

    A job has the nodes and GPUs of the target, and the options of `job`. It is called NAME-NUMBER, as its run folder is
    called NUMBER.
    """

    def __init__(self, folder: Path, name: str, objective: str, target: Target | None, job: JobOptions) -> None:
        """
        Args:
            folder: folder of the sweep, visible on all nodes.
            name: name of the sweep.
            objective: figure to read from the metrics.
            target: nodes and GPUs of a job; None: one task on each node.
            job: options of sbatch.
        """
        self._folder, self._name, self._objective, self._job = folder, name, objective, job
        self._jobs = folder.absolute() / "jobs"
        self._shape = _shape(target, job)

    def run(self, claimed: ClaimedTrial, stop: threading.Event) -> Outcome | None:
        """Wait for the job of a trial. Return its outcome, or None if `stop` was set first; the job continues.

        InputError if SLURM does not accept the job.
        """
        experiment = trial_experiment(claimed, self._folder)
        nodes, tasks, _ = self._shape
        try:
            if claimed.job:
                # Another sweep submitted the job and has ended since; submitit finds it by its id.
                job: Any = TrialJob(folder=self._jobs, job_id=claimed.job, tasks=list(range(nodes * tasks)))
                _log.info("job %s, submitted before, trains %s", job.job_id, claimed.trial.name)
            else:
                executor = self._executor(claimed.number)
                job = executor.submit(Training(), str(write_config(experiment).absolute()), nodes * tasks > 1)
                claimed.save_job(job.job_id)
                _log.info("job %s trains %s, with the log %s", job.job_id, claimed.trial.name, _log_file(job))
            while not job.done():
                if stop.wait(POLL_SECONDS):
                    _log.info("job %s continues; the same command waits for it, scancel %s ends it", *[job.job_id] * 2)
                    return None
        except (FailedJobError, FailedSubmissionError) as refused:  # for its options, which all trials have
            line = _last_line(str(refused)).removeprefix("sbatch: error: ")
            raise InputError(f"SLURM refused the job of {claimed.trial.name}, which is left to do: {line}") from None
        reason = _failure(job)
        return failed(reason) if reason else trained_outcome(experiment, self._objective)

    def close(self) -> None:
        """Do nothing: jobs continue."""

    def _executor(self, number: int) -> TrialExecutor:
        executor = TrialExecutor(folder=self._jobs)
        executor.update_parameters(**_parameters(f"{self._name}-{number:04d}", self._shape, self._job))
        return executor


def job_script(settings: SweepSettings) -> str:
    """Return the script of a trial's job, without the trial: what `sbatch` would be given. No SLURM is needed."""
    shape = _shape(parse(settings.target) if settings.target else None, settings.job)
    parameters = _parameters(f"{settings.sweep.name}-0000", shape, settings.job)
    return _make_sbatch_string("TRIAL", settings.folder.absolute() / "jobs", **parameters)


def _shape(target: Target | None, job: JobOptions) -> tuple[int, int, int]:
    """Return nodes, tasks on each and GPUs on each: one process for each GPU."""
    if target is None:
        return job.nodes or 1, 1, 0
    gpus = target.per_node if target.hardware.kind == "gpu" else 0
    return target.count // target.per_node, gpus or 1, gpus


def _parameters(name: str, shape: tuple[int, int, int], job: JobOptions) -> dict[str, Any]:
    """Return submitit's parameters of a job."""
    nodes, tasks, gpus = shape
    stated = {"partition": job.partition, "account": job.account, "gpus_per_node": gpus}
    shown = {option: value for option, value in stated.items() if value}
    seconds = min(MOST_SECONDS_TO_SAVE, job.minutes * 6) if job.minutes else MOST_SECONDS_TO_SAVE
    # After a node's failure SLURM queues the job again, also on clusters where that is not the default.
    others = {"requeue": True, "signal": f"{OUT_OF_TIME.name.removeprefix('SIG')}@{seconds}"}
    others |= {option.replace("-", "_"): value or True for option, value in job.others.items()}
    return {
        "job_name": name,
        "nodes": nodes,
        "ntasks_per_node": tasks,
        "time": job.minutes or None,
        "wckey": None,  # submitit's default, which a cluster that tracks such keys would refuse
        **shown,
        "srun_args": ["--kill-on-bad-exit=1"],  # the other tasks would wait for one that failed
        "additional_parameters": others,
    }


def _log_file(job: Any) -> Path:
    """Return the log of a job's first task."""
    return Path(job.task(0).paths.stderr)


def _failure(job: Any) -> str:
    """Return why a job that has ended has no result; empty if it has one, or was stopped and has saved.

    It is the last line of what a task raised, or the state of the job and perhaps an error in its log.
    """
    tasks = [job.task(number) for number in range(job.num_tasks)]
    # submitit waits 15 seconds for a missing result, as the file may come late: once is enough.
    results = [task.exception() for task in tasks if task is tasks[0] or task.paths.result_pickle.exists()]
    raised = [str(error) for error in results if isinstance(error, FailedJobError)]
    if raised:
        return _last_line(raised[0])
    if results[0] is None or job.state == "COMPLETED":
        return ""
    state = ENDED.get(job.state, "SLURM does not know it any more")
    if job.state not in {"FAILED", GONE}:
        return f"job {job.job_id} has no result: {state}"
    log = _log_file(job)
    lines = log.read_text("utf-8", "replace").splitlines() if log.exists() else [f"there is no {log}"]
    # After an error srun writes a few lines about the end of the other tasks.
    errors = [line.strip() for line in lines if "error:" in line.lower()]
    return f"job {job.job_id} has no result: {state}; {(errors or lines)[-1]}"[:300]


def _last_line(text: str) -> str:
    """Return the last line of the output of a job or of SLURM."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # submitit writes its own text, a rule of dashes, the output, and sometimes another rule with hints.
    rules = [number for number, line in enumerate(lines) if set(line) == {"-"}]
    output = lines[rules[0] + 1 : rules[1] if rules[1:] else len(lines)] if rules else lines
    last = output[-1] if output else text
    return last.removeprefix("tanuki_jax.base.errors.InputError: ")[:300]
