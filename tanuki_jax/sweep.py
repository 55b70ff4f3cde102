"""Tries many experiments: planned for a cluster, trained here, or trained by SLURM; a sweep that was stopped goes on.

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
from tanuki_jax.config.sweep import Sweep
from tanuki_jax.planning.sweep import figures

type ExecutorName = Literal["plan", "local", "slurm"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Try the experiments of a sweep. Several commands with the same --config and --out share the work; each trial is done once."""

    config: str
    """Name of a registered sweep, or file.py:name."""
    executor: Literal["auto", "plan", "local", "slurm"] = "auto"
    """Whether trials are planned, trained in processes here, or trained in jobs of SLURM; auto: plan where the sweep seeks a figure of
    plans, else local."""
    target: str = ""
    """Cluster to plan for, or whose nodes and GPUs a job of SLURM asks for, as in h100:3x8; empty: what the trials themselves name."""
    workers: int = 0
    """Trials at once; 0: one for each core where they are planned, 8 in SLURM, else 1."""
    sampler: Literal["grid", "random", "tpe"] = "grid"
    """Where trials come from: all of the sweep, or chosen by Optuna from its axes."""
    trials: int = 0
    """Trials at the most; 0: the whole grid."""
    storage: str = ""
    """Where Optuna keeps the trials: an URL of a database, or a journal file; empty: OUT/trials.journal."""
    out: str = ""
    """Folder for results.csv, pictures and runs, one for all who share the work; empty: sweeps/NAME."""


def main(words: list[str]) -> None:
    options = parse_options("sweep", words, Options)
    sweep = registry.sweep.find(options.config)
    sweep.grid()
    if negative := next((name for name in ("workers", "trials") if getattr(options, name) < 0), None):
        raise InputError(f"--{negative} is {getattr(options, negative)}, and must not be negative")
    executor = _executor(sweep, options)
    for package in ("optuna", "submitit") if executor == "slurm" else ("optuna",):
        if importlib.util.find_spec(package) is None:
            raise InputError(f"sweeps need {package}: pip install 'tanuki-jax[sweep]'")
    from tanuki_jax.planning.sweep.run_sweep import carry_out  # after the words are understood: Optuna takes a second

    folder = Path(options.out or f"sweeps/{sweep.name}")
    carry_out(
        sweep,
        folder,
        executor=executor,
        target=options.target,
        workers=options.workers,
        sampler=options.sampler,
        most=options.trials,
        storage=options.storage,
    )


def _executor(sweep: Sweep, options: Options) -> ExecutorName:
    """The one that was named, or that finds what the sweep seeks. InputError if it does not, or lacks a cluster to plan for."""
    seeks_plan = sweep.objective in figures.OF_PLANS
    if options.executor != "auto" and (options.executor == "plan") != seeks_plan:
        other = "--executor plan" if seeks_plan else "--executor local or slurm"
        raise InputError(
            f"--executor {options.executor} does not find the {sweep.objective} that {sweep.name} seeks; {other} does"
        )
    if seeks_plan and not options.target and not all(trial.target for trial in sweep.grid()):
        raise InputError(f"the trials of {sweep.name} name no cluster; --target says what to plan for, as in h100:3x8")
    return ("plan" if seeks_plan else "local") if options.executor == "auto" else options.executor


if __name__ == "__main__":
    enter("sweep", main)
