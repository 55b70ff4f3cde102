"""Loss on documents that are never trained on, per source."""

import dataclasses
from collections.abc import Callable

import jax
from jax.sharding import Mesh

from tanuki_jax.config.experiment import Experiment
from tanuki_jax.data.batch import Batch
from tanuki_jax.data.loader import Loader
from tanuki_jax.model.llama import Params
from tanuki_jax.objectives.sums import Sums
from tanuki_jax.parallel.sharding import local_rows, make_gather, place_batch
from tanuki_jax.train.step import make_loss


def make_held_out(experiment: Experiment, mesh: Mesh, loader: Loader) -> Callable[[Params], dict[str, float]]:
    """A function of the parameters: mean loss in nats a token on the held-out documents of each source, and of all together.

    The keys are `held_out/SOURCE` and `held_out/all`. The rows are the same every time, and are kept on the device. Empty if no
    source has held-out documents.
    """
    rows = experiment.data.batch_rows // experiment.layout.accumulation
    shape = (experiment.held_out.rows // rows, rows, experiment.data.sequence_length)
    mine = local_rows(mesh, shape)
    dropless = dataclasses.replace(experiment.router, capacity_factor=0.0)  # so that no loss depends on the devices
    loss_sums = make_loss(dataclasses.replace(experiment, router=dropless), mesh)
    gather = make_gather(mesh, experiment.layout)
    batches = {}
    for source in loader.held_out_sources:
        batch = loader.held_out(source, experiment.held_out.rows)
        batches[source] = place_batch(mesh, Batch(*(array[mine] for array in batch)), mine, shape)

    @jax.jit
    def evaluate(parameters: Params, batch: Batch[jax.Array]) -> Sums:
        used = gather(parameters)
        sums: Sums = jax.lax.map(lambda micro: loss_sums(used, micro), batch)
        return jax.tree.map(lambda x: x.sum(0), sums)

    def held_out(parameters: Params) -> dict[str, float]:
        if not batches:
            return {}
        sums = jax.device_get({source: evaluate(parameters, batch) for source, batch in batches.items()})
        losses = {f"held_out/{source}": float(part.parts["loss"] / part.weight) for source, part in sums.items()}
        together = sum(part.parts["loss"] for part in sums.values()) / sum(part.weight for part in sums.values())
        return losses | {"held_out/all": float(together)}

    return held_out
