"""Trains a model: pretraining today, any objective by its config; resumes by itself.

python -m tanuki_jax.train --config=tiny
python -m tanuki_jax.train --config=8b --layout.fsdp 8 --steps 1000
python -m tanuki_jax.train --config=my.py:ablation --print-config
"""

import dataclasses
from typing import Any

import jax

from tanuki_jax.config import registry
from tanuki_jax.config.command_line import parse
from tanuki_jax.data.loader import Loader, open_stores
from tanuki_jax.door import enter
from tanuki_jax.errors import InputError
from tanuki_jax.parallel.mesh import make_mesh
from tanuki_jax.parallel.sharding import check_batch
from tanuki_jax.train import distributed
from tanuki_jax.train.interrupts import Interrupts
from tanuki_jax.train.loop import Loop
from tanuki_jax.train.loss_curve import draw
from tanuki_jax.train.reports import reports
from tanuki_jax.train.run_folder import RunFolder
from tanuki_jax.train.start import begin


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Train a model as an experiment says, into runs/NAME; a run that was stopped goes on."""

    distributed: bool = False
    """Join the other processes of this job (SLURM, Kubernetes, TPU pod, Open MPI, or JAX_COORDINATOR_ADDRESS and its kin)."""
    profile: int = 0
    """Steps to trace, from this process's third on; XProf opens runs/NAME/profile."""


def main(words: list[str]) -> None:
    experiment, options = parse("train", words, Options)
    if options.distributed:
        distributed.join()
    mixture = registry.mixture.find(experiment.data.mixture)
    loader = Loader(open_stores(experiment.data, mixture), mixture, experiment.data, experiment.seed)
    if loader.vocabulary > experiment.model.vocabulary:
        raise InputError(f"the tokenizer has {loader.vocabulary} pieces, more than model.vocabulary {experiment.model.vocabulary}")
    mesh = make_mesh(experiment.layout)
    check_batch(mesh, experiment.data.batch_rows, experiment.layout.accumulation, experiment.data.sequence_length)

    first = jax.process_index() == 0
    run = RunFolder(experiment, writes=first)
    with jax.set_mesh(mesh), Interrupts() as interrupts:
        state, at = begin(experiment, mesh, run, loader.fingerprint)
        run.cut_metrics_after(at.step)
        run.event("config", changed=run.write_config(experiment, mixture), **distributed.surroundings())
        with reports(experiment, run.path, at.step, first) as shown:

            def write(line: dict[str, Any]) -> None:
                run.metrics(line)
                for report in shown:
                    report.show(line)

            at = Loop(experiment, mesh, loader, run, write, state, at).go(interrupts, options.profile)
        if first:
            draw(run.path)
            done = "finished" if at.step == experiment.steps else "stopped and saved; the same command goes on"
            print(f"{run.path}: step {at.step} of {experiment.steps}, {at.tokens:,} tokens, {done}")


if __name__ == "__main__":
    enter("train", main)
