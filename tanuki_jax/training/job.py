"""A training run from start to end: data, mesh, starting point, loop, pictures."""

import contextlib
import logging
from typing import Any

import jax

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.format import State
from tanuki_jax.config import registry
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.mixture import Mixture
from tanuki_jax.data.loader import Loader
from tanuki_jax.data.open_stores import open_stores
from tanuki_jax.lm.kernels.devices import devices, memory_warning, reserve_memory
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.lm.parallel.sharding import check_batch
from tanuki_jax.training.distributed import agree, environment, fail_fast, join
from tanuki_jax.training.held_out import make_held_out
from tanuki_jax.training.integrity import make_check
from tanuki_jax.training.interrupts import Interrupts
from tanuki_jax.training.loop import Loop, Program
from tanuki_jax.training.reference import check_records, stored_reference
from tanuki_jax.training.reports import Report, reports
from tanuki_jax.training.rewind import go_back
from tanuki_jax.training.runs import expert_map, loss_curve
from tanuki_jax.training.runs.early_stop import check_metric, evaluations_of, stop_reason
from tanuki_jax.training.runs.run_folder import RunFolder, read_events
from tanuki_jax.training.runs.run_lock import locked
from tanuki_jax.training.schedule_change import schedule_change
from tanuki_jax.training.setup import TrainSetup
from tanuki_jax.training.start import begin
from tanuki_jax.training.step import make_step
from tanuki_jax.training.watchdog import Watchdog

LARGEST_COARSE_B2 = 0.95
"""Largest decay of second moments in bfloat16: each step then changes them by five hundredths."""
_log = logging.getLogger("tanuki_jax.training")


def train(experiment: Experiment, *, distributed: bool = False, profile: int = 0) -> int:
    """Train an experiment to its last step, an early stop or an interrupt, from its newest good checkpoint on, going
    back after spikes. Return the last step that has been saved.

    Args:
        experiment: what to do; its run folder is `runs`/`name`.
        distributed: whether to join the other processes of this job first.
        profile: steps to trace into the run folder.

    Raises:
        InputError: a source is missing, the mesh does not divide the batch or the model, no evaluation has the metric
            of `early_stop`, a checkpoint is of another model or of other data, there is no checkpoint from before a
            spike, or another process trains the run.
        Unstable: the run has used all its rewinds.
        Corrupt: a check found that the devices do not compute what they should.
    """
    reserve_memory()
    if distributed:
        join()
    devices()  # refuses a platform that is not there
    with fail_fast(), Interrupts() as interrupts:
        mixture = registry.mixture.find(experiment.data.mixture)
        stores = open_stores(experiment.data, mixture)
        loader = Loader(stores, mixture, experiment.data, experiment.seed)
        if loader.vocabulary > experiment.model.vocabulary:
            raise InputError(
                f"the tokenizer has {loader.vocabulary} pieces, more than model.vocabulary "
                f"{experiment.model.vocabulary}; set that to at least as many, and let `convert add-tokens` grow the "
                "checkpoint that the run starts from"
            )
        mesh = make_mesh(experiment.layout)
        check_batch(mesh, experiment.layout, experiment.data)
        setup = TrainSetup(experiment, mesh)
        _warn_of_coarse_moments(experiment)
        if jax.process_index() == 0 and (warning := memory_warning()):
            _log.warning("%s", warning)
        check_records(setup, loader)
        check_metric(experiment.early_stop, loader.held_out_sources)
        run = RunFolder(experiment, writes=jax.process_index() == 0)
        read_events(run.path)  # a broken file is refused now rather than when the picture is drawn
        with contextlib.ExitStack() as stack, jax.set_mesh(mesh):
            agree(lambda: stack.enter_context(locked(run.path)))
            if reference := stored_reference(setup, loader, stores):
                loader.set_reference(reference)
            progress = _train(setup, mixture, loader, run, interrupts, profile)
    if jax.process_index() == 0:
        loss_curve.draw(run.path)
        expert_map.draw(run.path)
        print(
            f"{run.path}: step {progress.step} of {experiment.steps}, {progress.tokens:,} tokens, "
            f"{_outcome(experiment, run, progress)}"
        )
        print(f"loss curve: {run.path}/loss.png; samples: python -m tanuki_jax.generate {run.path} --prompt TEXT")
    return progress.step


def _outcome(experiment: Experiment, run: RunFolder, progress: State) -> str:
    """Return how the run ended, and how it goes on if it may."""
    settings = experiment.early_stop
    if progress.step >= experiment.steps:
        return "finished"
    if reason := stop_reason(settings, evaluations_of(settings, run.path)):
        return f"stopped early, because {reason}; a larger early_stop.patience goes on"
    return "stopped and saved; the same command goes on"


def _warn_of_coarse_moments(experiment: Experiment) -> None:
    """Say if the optimizer's second moments would be off: in bfloat16 a change below 1/256 is rounded away."""
    b2 = getattr(experiment.optimizer, "b2", 0.0)
    if experiment.layout.parameter_dtype == "bfloat16" and b2 > LARGEST_COARSE_B2 and jax.process_index() == 0:
        _log.warning(
            "layout.parameter_dtype bfloat16 keeps Adam's second moments in bfloat16, and rounds optimizer.b2 %g: "
            "updates come out too large or too small; take float32, or optimizer.b2 of at most %g",
            b2, LARGEST_COARSE_B2,
        )  # fmt: skip


def _train(
    setup: TrainSetup,
    mixture: Mixture,
    loader: Loader,
    run: RunFolder,
    interrupts: Interrupts,
    profile: int,
) -> State:
    """Train to the end or an interrupt, going back after spikes; return the state of the last checkpoint."""
    experiment, mesh = setup.experiment, setup.mesh
    by_row = experiment.logging.by_source and len(loader.trained_sources) > 1
    program = Program(make_step(setup, by_row=by_row), make_held_out(setup, loader), make_check(setup))
    while True:
        state, progress = begin(setup, run, loader)
        run.cut_metrics_after(progress.step)
        before, accepted = run.last_config(), int(state["accepted"])
        if before and (change := schedule_change(before, experiment, progress.step, accepted)):
            run.log_event("schedule_changed", after=progress.step, change=change)
            if jax.process_index() == 0:
                _log.warning("%s", change)
        run.log_event("config", changed=run.write_config(experiment, mixture), **environment())
        watchdog = Watchdog(experiment.watchdog, run.path, run.log_event)
        with watchdog, reports(experiment, run.path, progress.step, jax.process_index() == 0) as shown:

            def log_metrics(line: dict[str, Any], shown: list[Report] = shown) -> None:
                run.log_metrics(line)
                for report in shown:
                    report.log_metrics(line)

            loop = Loop(experiment, mesh, loader, program, run, log_metrics, watchdog, state, progress)
            del state  # the loop holds the only reference, so that the arrays are freed when the run begins again
            result = loop.run(interrupts, profile)
        del loop
        if not result.spike:
            return result.progress
        progress = go_back(experiment, run, result.progress, result.spike, loader)
        if result.leave:
            return progress
