"""What `python -m tanuki_jax.sweep` does once its words are understood."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from rich.console import Console

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.config.sweep import Sweep
from tanuki_jax.planning.plan.target import parse
from tanuki_jax.planning.sweep import sweep_pictures as pictures
from tanuki_jax.planning.sweep import sweep_report as report
from tanuki_jax.planning.sweep.claims import alone
from tanuki_jax.planning.sweep.planned_trials import Planned
from tanuki_jax.planning.sweep.run_trials import Executor, run
from tanuki_jax.planning.sweep.study import SamplerName, Study
from tanuki_jax.planning.sweep.trained_trials import Trained

JOBS = 8
"""Jobs that wait in SLURM's queue together."""


def carry_out(
    sweep: Sweep,
    folder: Path,
    *,
    executor: Literal["plan", "local", "slurm"],
    target: str,
    workers: int,
    sampler: SamplerName,
    most: int,
    storage: str,
) -> None:
    """Runs what is left of a sweep, keeps results.csv up to date, and draws and prints what there is at the end, or when interrupted.

    The arguments are the door's. InputError as of `Study`, for a target that nobody described, and where SLURM is not.
    """
    make, usual = _executor(sweep, folder, executor, target)
    terms = {"executor": executor, "target": target, "objective": sweep.objective}
    study = Study(sweep, folder, storage, sampler, most, terms)

    def write() -> None:
        with alone(folder / "locks" / "results"):
            replace_text(folder / "results.csv", report.to_csv(sweep, study.records()))

    try:
        run(study, make, workers or usual, write)
    finally:
        write()
        with alone(folder / "locks" / "results"):
            drawn = pictures.draw(sweep, study.records(), folder)
        _show(sweep, study, [folder / "results.csv", *drawn])


def _executor(sweep: Sweep, folder: Path, executor: str, target: str) -> tuple[Callable[[], Executor], int]:
    """What makes an executor for each worker, and how many there usually are."""
    cluster = parse(target) if target else None
    if executor == "plan":
        return lambda: Planned(target), len(os.sched_getaffinity(0)) if hasattr(
            os, "sched_getaffinity"
        ) else os.cpu_count() or 1
    if executor == "local":
        return lambda: Trained(folder, sweep.objective), 1
    from tanuki_jax.planning.sweep.slurm_trials import (
        Queued,
        require_slurm,
    )  # submitit is looked for only where it is needed

    require_slurm()
    return lambda: Queued(folder, sweep.objective, cluster), JOBS


def _show(sweep: Sweep, study: Study, files: list[Path]) -> None:
    records = study.records()
    table = report.to_table(sweep, records)
    console = Console(markup=False, highlight=False)
    console.width = max(console.width, console.measure(table, options=console.options.update(max_width=1_000)).maximum)
    console.print(table)
    ended = [record for record in records if record.outcome is not None]
    count = {
        verdict: sum(record.outcome.verdict == verdict for record in ended if record.outcome)
        for verdict in report.VERDICTS
    }
    plural = {"does not fit": "do not fit"}
    said = ", ".join(
        f"{number} {plural.get(verdict, verdict) if number > 1 else verdict}"
        for verdict, number in count.items()
        if number
    )
    left = study.planned - len(ended)
    to_do = f", {left} to do: the same command goes on" if left else ""
    print(f"{sweep.name}: {said or 'no trial has ended'}{to_do}", *files, sep="\n")
