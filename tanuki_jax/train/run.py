"""The main job, top to bottom: data, mesh, where to begin, the loop, the pictures."""

from typing import Any

import jax

from tanuki_jax.config import registry
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.data.loader import Loader, open_stores
from tanuki_jax.errors import InputError
from tanuki_jax.parallel.mesh import make_mesh
from tanuki_jax.parallel.sharding import check_batch
from tanuki_jax.train import expert_map, loss_curve
from tanuki_jax.train.distributed import join, surroundings
from tanuki_jax.train.interrupts import Interrupts
from tanuki_jax.train.loop import Loop
from tanuki_jax.train.reports import reports
from tanuki_jax.train.run_folder import RunFolder
from tanuki_jax.train.start import begin
from tanuki_jax.train.step import make_step


def train(experiment: Experiment, *, distributed: bool = False, profile: int = 0) -> None:
    """Trains an experiment to its last step, or until an interrupt, going on from its newest good checkpoint.

    Args:
        experiment: what to do; its run folder is `runs`/`name`.
        distributed: whether to join the other processes of this job first.
        profile: steps to trace into the run folder.

    Raises:
        InputError: a source is missing, the mesh does not divide the batch or the model, or a checkpoint is of another model or of
            other data.
    """
    if distributed:
        join()
    mixture = registry.mixture.find(experiment.data.mixture)
    loader = Loader(open_stores(experiment.data, mixture), mixture, experiment.data, experiment.seed)
    if loader.vocabulary > experiment.model.vocabulary:
        raise InputError(f"the tokenizer has {loader.vocabulary} pieces, more than model.vocabulary {experiment.model.vocabulary}")
    mesh = make_mesh(experiment.layout)
    check_batch(mesh, experiment.layout, experiment.data)
    step = make_step(experiment, mesh)

    first = jax.process_index() == 0
    run = RunFolder(experiment, writes=first)
    with jax.set_mesh(mesh), Interrupts() as interrupts:
        state, at = begin(experiment, mesh, run, loader.fingerprint)
        run.cut_metrics_after(at.step)
        run.event("config", changed=run.write_config(experiment, mixture), **surroundings())
        with reports(experiment, run.path, at.step, first) as shown:

            def write(line: dict[str, Any]) -> None:
                run.metrics(line)
                for report in shown:
                    report.show(line)

            at = Loop(experiment, mesh, loader, step, run, write, state, at).go(interrupts, profile)
    if first:
        loss_curve.draw(run.path)
        expert_map.draw(run.path)
        outcome = "finished" if at.step >= experiment.steps else "stopped and saved; the same command goes on"
        print(f"{run.path}: step {at.step} of {experiment.steps}, {at.tokens:,} tokens, {outcome}")
