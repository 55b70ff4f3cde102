"""The main job, top to bottom: data, mesh, where to begin, the loop, the pictures."""

from typing import Any

import jax

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.format import State
from tanuki_jax.config import registry
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.mixture import Mixture
from tanuki_jax.data.loader import Loader, open_stores
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.lm.parallel.sharding import check_batch
from tanuki_jax.training.distributed import failing_alone, join, surroundings
from tanuki_jax.training.held_out import make_held_out
from tanuki_jax.training.integrity import make_check
from tanuki_jax.training.interrupts import Interrupts
from tanuki_jax.training.loop import Loop, Program
from tanuki_jax.training.reference import check_records, stored_reference
from tanuki_jax.training.reports import Report, reports
from tanuki_jax.training.rewind import go_back
from tanuki_jax.training.runs import expert_map, loss_curve
from tanuki_jax.training.runs.run_folder import RunFolder, read_events
from tanuki_jax.training.setup import TrainSetup
from tanuki_jax.training.start import begin
from tanuki_jax.training.step import make_step
from tanuki_jax.training.watchdog import Watchdog


def train(experiment: Experiment, *, distributed: bool = False, profile: int = 0) -> None:
    """Trains an experiment to its last step, or until an interrupt, going on from its newest good checkpoint, after spikes too.

    Args:
        experiment: what to do; its run folder is `runs`/`name`.
        distributed: whether to join the other processes of this job first.
        profile: steps to trace into the run folder.

    Raises:
        InputError: a source is missing, the mesh does not divide the batch or the model, or a checkpoint is of another model or of
            other data, or there is none from before a spike.
        Unstable: the run went back after spikes as often as it may.
        Corrupt: a check found that the devices do not compute what they should.
    """
    if distributed:
        join()
    with failing_alone(), Interrupts() as interrupts:
        mixture = registry.mixture.find(experiment.data.mixture)
        stores = open_stores(experiment.data, mixture)
        loader = Loader(stores, mixture, experiment.data, experiment.seed)
        if loader.vocabulary > experiment.model.vocabulary:
            raise InputError(
                f"the tokenizer has {loader.vocabulary} pieces, more than model.vocabulary {experiment.model.vocabulary}"
            )
        mesh = make_mesh(experiment.layout)
        check_batch(mesh, experiment.layout, experiment.data)
        setup = TrainSetup(experiment, mesh)
        check_records(setup, loader)
        run = RunFolder(experiment, writes=jax.process_index() == 0)
        read_events(run.path)  # refused now rather than when the picture is drawn
        with jax.set_mesh(mesh):
            if reference := stored_reference(setup, loader, stores):
                loader.set_reference(reference)
            at = _go_on(setup, mixture, loader, run, interrupts, profile)
    if jax.process_index() == 0:
        loss_curve.draw(run.path)
        expert_map.draw(run.path)
        outcome = "finished" if at.step >= experiment.steps else "stopped and saved; the same command goes on"
        print(f"{run.path}: step {at.step} of {experiment.steps}, {at.tokens:,} tokens, {outcome}")


def _go_on(
    setup: TrainSetup,
    mixture: Mixture,
    loader: Loader,
    run: RunFolder,
    interrupts: Interrupts,
    profile: int,
) -> State:
    """Trains from where the run is to its end or an interrupt, and after every spike from a checkpoint before it; returns where it is."""
    experiment, mesh = setup.experiment, setup.mesh
    program = Program(make_step(setup), make_held_out(setup, loader), make_check(setup))
    while True:
        state, at = begin(setup, run, loader.fingerprint)
        run.cut_metrics_after(at.step)
        run.event("config", changed=run.write_config(experiment, mixture), **surroundings())
        watchdog = Watchdog(experiment.watchdog, run.path, run.event)
        with watchdog, reports(experiment, run.path, at.step, jax.process_index() == 0) as shown:

            def write(line: dict[str, Any], shown: list[Report] = shown) -> None:
                run.metrics(line)
                for report in shown:
                    report.show(line)

            loop = Loop(experiment, mesh, loader, program, run, write, watchdog, state, at)
            del state  # the loop alone has it, so that it is gone when the run begins again
            ended = loop.go(interrupts, profile)
        del loop
        if not ended.spike:
            return ended.at
        at = go_back(experiment, run, ended.at, ended.spike)
        if ended.leave:
            return at
