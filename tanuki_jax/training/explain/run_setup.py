"""A run's experiment laid out on the devices that are here."""

import contextlib
import dataclasses
import math

import jax
from jax.sharding import Mesh

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.lm.parallel.sharding import check_batch, shardings
from tanuki_jax.training.loss import make_loss
from tanuki_jax.training.step import initial_state


def place(experiment: Experiment) -> tuple[Experiment, Mesh]:
    """The experiment with a layout for the devices here, and its mesh.

    That is the run's own layout if it fits them and has neither stages nor a split of the time dim; else all share the parameters and
    split the rows, or as many of them as divide both, and the run's micro-batches are as they were.
    """
    layout = experiment.layout
    if layout.stage == layout.context == 1:
        with contextlib.suppress(InputError):
            mesh = make_mesh(layout)
            _check(experiment, mesh)
            return experiment, mesh
    accumulation = layout.accumulation * layout.microbatches
    count = math.gcd(jax.device_count(), experiment.data.batch_rows // accumulation, experiment.model.width)
    plain = dataclasses.replace(
        layout,
        data=1,
        fsdp=count,
        expert=1,
        context=1,
        tensor=1,
        stage=1,
        interleave=1,
        microbatches=1,
        accumulation=accumulation,
        attention="auto",
        exchange="auto",
        offload=(),
    )
    experiment = dataclasses.replace(experiment, layout=plain)
    mesh = make_mesh(plain, jax.devices()[:count])
    _check(experiment, mesh)
    return experiment, mesh


def _check(experiment: Experiment, mesh: Mesh) -> None:
    check_batch(mesh, experiment.layout, experiment.data)
    shardings(mesh, jax.eval_shape(lambda: initial_state(experiment)))
    make_loss(experiment, mesh)
