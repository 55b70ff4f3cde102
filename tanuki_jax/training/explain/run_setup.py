"""Setup of a run's experiment on the devices of this machine."""

import contextlib
import dataclasses
import math

from jax.sharding import Mesh

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.lm.kernels.devices import devices as available_devices
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.lm.parallel.sharding import check_batch
from tanuki_jax.training.loss import make_loss
from tanuki_jax.training.setup import TrainSetup


def setup_on_this_machine(experiment: Experiment) -> TrainSetup:
    """Return the setup of an experiment with a layout for this machine's devices.

    The run's own layout is used if it fits them and has neither stages nor a split of the time dim. Otherwise all
    devices share the parameters and split the rows, or the largest number of them that divides both, and micro-batches
    are as in the run.
    """
    layout = experiment.layout
    if layout.stage == layout.context == 1:
        with contextlib.suppress(InputError):
            return _checked(experiment, make_mesh(layout))
    accumulation = layout.accumulation * layout.microbatches
    count = math.gcd(len(available_devices()), experiment.data.batch_rows // accumulation, experiment.model.width)
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
    return _checked(dataclasses.replace(experiment, layout=plain), make_mesh(plain, available_devices()[:count]))


def with_batch_rows(experiment: Experiment, rows: int) -> Experiment:
    """Return an experiment whose batches have so many rows, with as many micro-batches as divide them."""
    layout, data = experiment.layout, experiment.data
    layout = dataclasses.replace(layout, accumulation=math.gcd(layout.accumulation, rows))
    return dataclasses.replace(experiment, layout=layout, data=dataclasses.replace(data, batch_rows=rows))


def _checked(experiment: Experiment, mesh: Mesh) -> TrainSetup:
    """Return the setup. InputError if the mesh does not divide the batch or a parameter, or no kernel serves it."""
    check_batch(mesh, experiment.layout, experiment.data)
    setup = TrainSetup(experiment, mesh)
    make_loss(setup)
    return setup
