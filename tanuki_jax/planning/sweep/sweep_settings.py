"""Settings of a sweep, from the options of the command. Read without Optuna or jax."""

import dataclasses
from pathlib import Path
from typing import Literal

from tanuki_jax.config.sweep import Sweep

ExecutorName = Literal["plan", "local", "slurm"]
SamplerName = Literal["grid", "random", "tpe"]


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
    sampler: SamplerName = "grid"
    max_trials: int = 0
    """Largest number of trials; 0: the full grid."""
    storage: str = ""
    """Optuna storage, a database URL or a journal file; empty: a journal file in the folder."""
