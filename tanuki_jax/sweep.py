"""Run a sweep of experiments: planned for a cluster, trained on this machine or on SLURM; an interrupted sweep resumes.

python -m tanuki_jax.sweep --config=layouts_phase1
python -m tanuki_jax.sweep --config=learning_rate
python -m tanuki_jax.sweep --config=learning_rate --sampler tpe --trials 30 --out sweeps/searched
"""

import dataclasses
import importlib.util
from pathlib import Path
from typing import Literal

from tanuki_jax.base.command import enter
from tanuki_jax.base.errors import InputError
from tanuki_jax.config import registry
from tanuki_jax.config.command_line import parse_options
from tanuki_jax.config.limits import NonNegativeInt
from tanuki_jax.config.sweep import Sweep
from tanuki_jax.planning.sweep.figures import PLAN_FIGURES
from tanuki_jax.planning.sweep.sweep_settings import ExecutorName, SamplerName, SweepSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Run all trials of a sweep. Several commands with the same --config and --out share the trials."""

    config: str
    """Name of a registered sweep, or file.py:name."""
    executor: Literal["auto", "plan", "local", "slurm"] = "auto"
    """Plan the trials, train them on this machine, or train them as SLURM jobs; auto: plan if the objective is a figure
    of plans, else local."""
    target: str = ""
    """Cluster to plan for, or nodes and GPUs of a SLURM job, as in h100:3x8; empty: the target of each trial."""
    workers: NonNegativeInt = 0
    """Trials that run at once; 0: one for each core if they are planned, 8 on SLURM, else 1."""
    sampler: SamplerName = "grid"
    """Source of the trials: all trials of the sweep, or samples that Optuna draws from its axes."""
    trials: NonNegativeInt = 0
    """Largest number of trials; 0: the full grid."""
    storage: str = ""
    """Optuna storage: a database URL, or a journal file; empty: OUT/trials.journal."""
    out: str = ""
    """Folder for results.csv, pictures and runs; empty: sweeps/NAME."""


def main(words: list[str]) -> None:
    """Parse the options, and run the sweep."""
    settings = parse_settings(words)
    for package in ("optuna", "submitit") if settings.executor == "slurm" else ("optuna",):
        if importlib.util.find_spec(package) is None:
            raise InputError(f"sweeps need {package}: pip install 'tanuki-jax[sweep]'")
    from tanuki_jax.planning.sweep.run_sweep import run_sweep  # not at the top: importing Optuna takes a second

    run_sweep(settings)


def parse_settings(words: list[str]) -> SweepSettings:
    """Return the settings that the command line asks for. InputError if they are invalid."""
    options = parse_options("sweep", words, Options)
    sweep = registry.sweep.find(options.config)
    sweep.grid()
    return SweepSettings(
        sweep=sweep,
        folder=Path(options.out or f"sweeps/{sweep.name}"),
        executor=_executor(sweep, options),
        target=options.target,
        workers=options.workers,
        sampler=options.sampler,
        max_trials=options.trials,
        storage=options.storage,
    )


def _executor(sweep: Sweep, options: Options) -> ExecutorName:
    """Return the executor. InputError if it cannot compute the sweep's objective, or has no cluster to plan for."""
    needs_plans = sweep.objective in PLAN_FIGURES
    if options.executor != "auto" and (options.executor == "plan") != needs_plans:
        other = "--executor plan" if needs_plans else "--executor local or slurm"
        objective = f"{sweep.objective}, the objective of {sweep.name}"
        raise InputError(f"--executor {options.executor} does not compute {objective}; use {other}")
    if needs_plans and not options.target and not all(trial.target for trial in sweep.grid()):
        raise InputError(f"the trials of {sweep.name} have no target; set --target, as in --target=h100:3x8")
    if options.executor == "auto":
        return "plan" if needs_plans else "local"
    return options.executor


if __name__ == "__main__":
    enter("sweep", main)
