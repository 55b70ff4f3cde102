"""Tasks as job arrays of SLURM, one array a stage."""

import dataclasses
import logging
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.limits import Limits, PositiveInt
from tanuki_jax.corpus.cleaning.engines.stage import Stage

_log = logging.getLogger("tanuki_jax.corpus")
_POLL_SECONDS = 5.0
_LARGEST_ARRAY = 1_000
"""Tasks of an array that every cluster takes: MaxArraySize is 1,001 unless it was changed."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SlurmJobs:
    """Jobs of a stage."""

    partition: str = ""
    """Partition; empty: the cluster's default."""
    minutes: PositiveInt = 24 * 60
    """Time limit of a job."""
    cpus: PositiveInt = 1
    """CPUs of a job. A task uses one; more give it more memory where memory goes by CPU."""
    memory: PositiveInt = 4
    """Memory of a job in GB for each of its CPUs."""
    array: Annotated[int, Limits(above=0)] = _LARGEST_ARRAY
    """Most jobs of an array; with more tasks than that, each job does several. At most the cluster's MaxArraySize."""


def require_slurm() -> None:
    """Raise InputError unless the programs of SLURM are on this machine."""
    if missing := [name for name in ("sbatch", "squeue", "srun") if shutil.which(name) is None]:
        raise InputError(f"--engine slurm needs SLURM; this machine has no {' and no '.join(missing)}")


@dataclasses.dataclass(frozen=True)
class Slurm:
    """Job arrays of the cluster of this machine, which shares the folder of the run with its nodes."""

    jobs: SlurmJobs
    workers: int
    """Most jobs of an array that run at once; 0: no limit."""
    logs: Path
    """Folder of scripts and logs."""
    poll_seconds: float = _POLL_SECONDS

    def run(self, stage: Stage, tasks: Sequence[int], each_look: Callable[[], None]) -> None:
        """Submit an array and wait until it has left the queue.

        One array holds all tasks: datatrove lets the next stage wait for the last of several arrays only. Jobs of a
        node that fails are queued again by SLURM. If this process ends, the jobs go on, and the command, started again,
        submits what is not done; a task that is then done twice writes the same file.
        """
        from datatrove.executor.slurm import SlurmPipelineExecutor

        from tanuki_jax.corpus.cleaning.engines.datatrove_step import StageStep, new_log_folder, quiet

        folder = new_log_folder(self.logs, stage)
        environment = Path(sys.prefix) / "bin" / "activate"
        with quiet():
            executor = SlurmPipelineExecutor(
                pipeline=[StageStep(stage, tasks)],
                tasks=len(tasks),
                time=f"{self.jobs.minutes}",
                partition=self.jobs.partition or _default_partition(),
                cpus_per_task=self.jobs.cpus,
                mem_per_cpu_gb=self.jobs.memory,
                workers=self.workers or -1,
                job_name=f"clean-{stage.title.split()[0].strip(',')}",
                qos="",
                venv_path=str(environment) if environment.exists() else None,
                logging_dir=str(folder),
                skip_completed=False,
                tasks_per_job=-(-len(tasks) // self.jobs.array),
                max_array_size=self.jobs.array,
                requeue_signals=None,
            )
            executor.launch_merge_stats = lambda: None  # a job of its own, for statistics that nobody reads
            try:
                executor.run()
            except subprocess.CalledProcessError as error:
                raise InputError(
                    f"sbatch refused the stage {stage.title!r} with exit code {error.returncode}"
                ) from None
        _log.info("%s: job array %s, logs in %s", stage.title, executor.job_id, folder)
        while _is_queued(str(executor.job_id)):
            each_look()
            time.sleep(self.poll_seconds)


def _default_partition() -> str:
    listed = subprocess.run(["sinfo", "--noheader", "--format=%P"], capture_output=True, text=True, check=False)
    names = listed.stdout.split()
    marked = [name[:-1] for name in names if name.endswith("*")]
    if not names:
        raise InputError("SLURM does not answer, or has no partition: name one with --slurm.partition")
    return (marked or names)[0]


def _is_queued(job: str) -> bool:
    """Whether a job array has tasks that wait or run; also while SLURM does not answer."""
    found = subprocess.run(
        ["squeue", "--noheader", "--array", f"--jobs={job}", "--format=%T"], capture_output=True, text=True, check=False
    )
    return bool(found.stdout.strip()) or (found.returncode != 0 and "Invalid job id" not in found.stderr)
