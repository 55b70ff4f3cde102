"""A sweep from its settings to results.csv, pictures and a printed table."""

from collections.abc import Callable

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.claims import exclusive
from tanuki_jax.base.cores import usable_cores
from tanuki_jax.base.tables import show
from tanuki_jax.planning.plan.target import parse
from tanuki_jax.planning.sweep import sweep_pictures, sweep_report
from tanuki_jax.planning.sweep.planned_trials import PlannedTrials
from tanuki_jax.planning.sweep.run_trials import Executor, run
from tanuki_jax.planning.sweep.study import Study
from tanuki_jax.planning.sweep.sweep_settings import SweepSettings
from tanuki_jax.planning.sweep.trained_trials import TrainedTrials

SLURM_JOBS = 8
"""Default number of jobs in SLURM's queue at once."""


def run_sweep(settings: SweepSettings) -> None:
    """Run the missing trials of a sweep.

    results.csv is updated after every trial. Pictures and the table are made at the end, also after an interrupt.
    InputError as in `Study`, for an unknown target, and without SLURM.
    """
    make_executor, default_workers = _executor(settings)
    sweep, folder = settings.sweep, settings.folder
    study = Study(settings)

    def write() -> None:
        with exclusive(folder / "locks" / "results"):
            replace_text(folder / "results.csv", sweep_report.to_csv(sweep, study.records()))

    try:
        run(study, make_executor, settings.workers or default_workers, write)
    finally:
        write()
        with exclusive(folder / "locks" / "results"):
            pictures = sweep_pictures.draw(sweep, study.records(), folder)
        _show(study, settings)
        print(folder / "results.csv", *pictures, sep="\n")


def _executor(settings: SweepSettings) -> tuple[Callable[[], Executor], int]:
    """Return a function that makes the executor of a worker, and the default number of workers."""
    folder, objective = settings.folder, settings.sweep.objective
    target = parse(settings.target) if settings.target else None
    if settings.executor == "plan":
        return lambda: PlannedTrials(settings.target), usable_cores()
    if settings.executor == "local":
        return lambda: TrainedTrials(folder, objective), 1
    from tanuki_jax.planning.sweep.slurm_trials import SlurmTrials, require_slurm  # not at the top: needs submitit

    require_slurm()
    return lambda: SlurmTrials(folder, settings.sweep.name, objective, target, settings.job), SLURM_JOBS


def _show(study: Study, settings: SweepSettings) -> None:
    """Print the table, and a line with the number of trials by verdict."""
    records = study.records()
    show(sweep_report.to_table(settings.sweep, records))
    outcomes = [record.outcome for record in records if record.outcome is not None]
    plural = {"does not fit": "do not fit"}
    counts = []
    for verdict in sweep_report.VERDICTS:
        if number := sum(outcome.verdict == verdict for outcome in outcomes):
            counts.append(f"{number} {plural.get(verdict, verdict) if number > 1 else verdict}")
    left = study.planned - len(outcomes)
    rest = f"; {left} left, run the same command again" if left else ""
    print(f"{settings.sweep.name}: {', '.join(counts) or 'no trial has ended'}{rest}")
