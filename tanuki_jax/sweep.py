"""Run a sweep of experiments: planned for a cluster, trained on this machine or on SLURM; an interrupted sweep resumes.

python -m tanuki_jax.sweep --config=layouts_phase1
python -m tanuki_jax.sweep --config=learning_rate
python -m tanuki_jax.sweep --config=learning_rate --sampler tpe --trials 30 --out sweeps/searched
"""

import dataclasses
import importlib.util
import os
import re
from pathlib import Path
from typing import Literal

import tyro

from tanuki_jax.base.command import enter
from tanuki_jax.base.errors import InputError
from tanuki_jax.config import registry
from tanuki_jax.config.command_line import parse_options
from tanuki_jax.config.limits import NonNegativeInt
from tanuki_jax.config.sweep import Sweep
from tanuki_jax.planning.sweep.figures import PLAN_FIGURES
from tanuki_jax.planning.sweep.sweep_settings import ExecutorName, JobOptions, SamplerName, SweepSettings

STATED_OTHERWISE = {
    "account": "use --account",
    "nodes": "use --nodes, or --target for nodes with GPUs",
    "partition": "use --partition",
    "time": "use --time",
    **dict.fromkeys(("array", "ntasks", "ntasks-per-node"), "a job has one task for each GPU of --target, or node"),
    **dict.fromkeys(("error", "open-mode", "output"), "logs of jobs are in OUT/jobs"),
}
"""Options of sbatch that --sbatch refuses, and the way to state them."""


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
    time: NonNegativeInt = 0
    """Time limit of a SLURM job in minutes; 0: that of the variable SBATCH_TIMELIMIT. Before the limit a job saves, and
    is queued again."""
    partition: str = ""
    """Partition of SLURM jobs; empty: that of the variable SBATCH_PARTITION, or the cluster's default."""
    account: str = ""
    """Account of SLURM jobs; empty: that of the variable SBATCH_ACCOUNT, or the cluster's default."""
    nodes: NonNegativeInt = 0
    """Nodes of a SLURM job without --target, with one process each; 0: one node."""
    sbatch: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """Other option of sbatch, as in --sbatch qos=high --sbatch exclusive."""
    dry_run: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print the script of a SLURM job and leave."""


def main(words: list[str]) -> None:
    """Parse the options, and run the sweep."""
    settings = parse_settings(words)
    for package in ("optuna", "submitit") if settings.executor == "slurm" else ("optuna",):
        if importlib.util.find_spec(package) is None:
            raise InputError(f"sweeps need {package}: pip install 'tanuki-jax[sweep]'")
    if settings.dry_run:
        from tanuki_jax.planning.sweep.slurm_trials import job_script

        print(job_script(settings), end="")
        return
    from tanuki_jax.planning.sweep.run_sweep import run_sweep  # not at the top: importing Optuna takes a second

    run_sweep(settings)


def parse_settings(words: list[str]) -> SweepSettings:
    """Return the settings that the command line asks for. InputError if they are invalid."""
    options = parse_options("sweep", words, Options)
    sweep = registry.sweep.find(options.config)
    sweep.grid()
    executor = _executor(sweep, options)
    if options.dry_run and executor != "slurm":
        raise InputError("--dry-run shows a SLURM job: add --executor slurm")
    return SweepSettings(
        sweep=sweep,
        folder=Path(options.out or f"sweeps/{sweep.name}"),
        executor=executor,
        job=_job(options, executor),
        dry_run=options.dry_run,
        target=options.target,
        workers=options.workers,
        sampler=options.sampler,
        max_trials=options.trials,
        storage=options.storage,
    )


def _job(options: Options, executor: ExecutorName) -> JobOptions:
    """Return the options of SLURM jobs. InputError if one is malformed or contradicts another, or no time limit is
    stated: SLURM's own may be endless."""
    others = {}
    for option in options.sbatch:
        name, equals, value = option.partition("=")
        if not re.fullmatch(r"[a-z][a-z-]*", name) or bool(equals) != bool(value):
            raise InputError(
                f"--sbatch is {option!r}, and must be like qos=high or exclusive, without dashes before it"
            )
        if name in STATED_OTHERWISE:
            raise InputError(f"--sbatch {option} is not possible; {STATED_OTHERWISE[name]}")
        others[name] = value
    if executor == "slurm" and options.nodes and options.target:
        raise InputError(f"--nodes {options.nodes} and --target {options.target} both state the nodes; leave one out")
    if executor == "slurm" and not options.time and not os.environ.get("SBATCH_TIMELIMIT"):
        raise InputError("--executor slurm needs the time limit of a job: --time MINUTES, or SBATCH_TIMELIMIT")
    return JobOptions(
        minutes=options.time,
        partition=options.partition,
        account=options.account,
        nodes=options.nodes,
        others=others,
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
