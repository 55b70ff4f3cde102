"""Settings of a sweep, from the options of the command. Read without Optuna or jax."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from tanuki_jax.config.limits import NonNegativeInt
from tanuki_jax.config.sweep import Sweep

ExecutorName = Literal["plan", "local", "slurm"]
SamplerName = Literal["grid", "random", "tpe"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class JobOptions:
    """Options of sbatch for the job of a trial; what is empty is left to the variables of sbatch."""

    minutes: NonNegativeInt = 0
    """Time limit; 0: SBATCH_TIMELIMIT."""
    partition: str = ""
    account: str = ""
    nodes: NonNegativeInt = 0
    """Nodes, with one process each; 0: those of the target, or one."""
    others: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Any other option, without its dashes, as `qos` or `mem`; empty if it takes no value, as `exclusive`."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SweepSettings:
    """A sweep, and the way to run its trials."""

    sweep: Sweep
    folder: Path
    """Folder of results, pictures, locks and runs."""
    executor: ExecutorName
    target: str = ""
    """Target of all trials; empty: each trial has its own."""
    workers: int = 0
    """Trials that run at once; 0: the executor's default."""
    job: JobOptions = JobOptions()
    """Options of SLURM jobs."""
    dry_run: bool = False
    """Whether only the script of a job is printed."""
    sampler: SamplerName = "grid"
    max_trials: int = 0
    """Largest number of trials; 0: the full grid."""
    storage: str = ""
    """Optuna storage, a database URL or a journal file; empty: a journal file in the folder."""
