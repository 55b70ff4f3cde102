"""Loss on documents that are never trained on, per source."""

import dataclasses
from collections.abc import Callable, Mapping

import jax
from jax.sharding import Mesh

from tanuki_jax.config.experiment import Experiment, Preference
from tanuki_jax.data.batch import Batch
from tanuki_jax.data.loader import Loader
from tanuki_jax.lm.objectives.sums import Sums
from tanuki_jax.lm.parallel.sharding import local_rows, make_gather, place_batch
from tanuki_jax.training.loss import make_loss, whole
from tanuki_jax.training.step import TrainState, used_parameters


def make_held_out(experiment: Experiment, mesh: Mesh, loader: Loader) -> Callable[[TrainState], dict[str, float]]:
    """A function of the train state: mean loss in nats a token on the held-out documents of each source, and of all together.

    The keys are `held_out/SOURCE` and `held_out/all`; for pairs, whose losses are means over pairs, also `held_out/SOURCE/METRIC` for what
    the objective reports. The rows are the same every time, and are kept on the device. Empty if no source has held-out documents.
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
        batches[source] = place_batch(mesh, jax.tree.map(lambda array: array[mine], batch), mine, shape)

    @jax.jit
    def evaluate(state: TrainState, batch: Batch[jax.Array]) -> Sums:
        used, told = gather(used_parameters(experiment, state)), whole(experiment, batch)
        sums: Sums = jax.lax.map(lambda micro: loss_sums(used, micro, told), batch)
        return jax.tree.map(lambda x: x.sum(0), sums)

    def held_out(state: TrainState) -> dict[str, float]:
        if not batches:
            return {}
        needed = {name: state[name] for name in ("parameters", "frozen") if name in state}
        sums = jax.device_get({source: evaluate(needed, batch) for source, batch in batches.items()})
        losses = _means("loss", sums)
        if isinstance(experiment.objective, Preference):
            for name in next(iter(sums.values())).parts:
                if name != "loss":
                    losses |= {f"{key}/{name}": value for key, value in _means(name, sums).items()}
        return losses

    return held_out


def _means(part: str, sums: Mapping[str, Sums]) -> dict[str, float]:
    """Of a part, by source and of all together."""
    means = {f"held_out/{source}": float(found.parts[part] / found.weight) for source, found in sums.items()}
    together = sum(found.parts[part] for found in sums.values()) / sum(found.weight for found in sums.values())
    return means | {"held_out/all": float(together)}
