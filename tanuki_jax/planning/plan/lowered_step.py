"""Training step of an experiment, lowered for devices that need not be present."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental.compilation_cache import compilation_cache
from jax.sharding import Mesh, NamedSharding

from tanuki_jax.config.experiment import Experiment
from tanuki_jax.data.batch import Batch
from tanuki_jax.lm.objectives.make_objective import make_objective
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.lm.parallel.sharding import BATCH, check_batch, with_shardings
from tanuki_jax.training.setup import TrainSetup
from tanuki_jax.training.step import make_step


def rows_of_device(experiment: Experiment, parts: int) -> int:
    """Return the rows of a micro-batch on each device if `parts` devices share them."""
    return experiment.data.batch_rows // (experiment.layout.accumulation * experiment.layout.microbatches * parts)


@contextlib.contextmanager
def compiled_anew() -> Iterator[None]:
    """Disable jax's compilation cache: programs for absent devices cannot be read back without the devices."""
    before = bool(jax.config.jax_enable_compilation_cache)
    try:
        jax.config.update("jax_enable_compilation_cache", False)
        compilation_cache.reset_cache()
        yield
    finally:
        jax.config.update("jax_enable_compilation_cache", before)
        compilation_cache.reset_cache()


def lower_step(experiment: Experiment, devices: Sequence[jax.Device]) -> jax.stages.Lowered:
    """Lower the step with a batch of the experiment's rows; nothing is allocated.

    InputError if the layout does not fit the devices, the batch or the model.
    """
    mesh = make_mesh(experiment.layout, devices)
    check_batch(mesh, experiment.layout, experiment.data)
    with jax.set_mesh(mesh):
        setup = TrainSetup(experiment, mesh)
        state = with_shardings(mesh, experiment.model, setup.state_shapes)
        step: Any = make_step(setup)
        lowered: jax.stages.Lowered = step.lower(state, _batch(experiment, mesh))
        return lowered


def _batch(experiment: Experiment, mesh: Mesh) -> Batch[jax.ShapeDtypeStruct]:
    """Return the shapes of a batch, with the fields that the objective reads."""
    layout, data = experiment.layout, experiment.data
    shape = (layout.accumulation, data.batch_rows // layout.accumulation, data.sequence_length)
    sharding = NamedSharding(mesh, BATCH)
    integers, floats = (jax.ShapeDtypeStruct(shape, dtype, sharding=sharding) for dtype in (jnp.int32, jnp.float32))
    batch = Batch(integers, integers, floats, integers, integers)
    kinds = {"pair_ids": integers, "sides": integers, "reference_logps": floats}
    return batch._replace(**{name: kinds[name] for name in make_objective(experiment.objective).batch_arrays})
