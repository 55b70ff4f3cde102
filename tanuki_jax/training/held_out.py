"""Loss on documents that are never trained on, per source. A held-out set of its own is a `Source` with `held_out`."""

from collections.abc import Callable, Mapping

import jax

from tanuki_jax.data.batch import Batch
from tanuki_jax.data.loader import Loader
from tanuki_jax.lm.objectives.objective import Sums
from tanuki_jax.lm.parallel.sharding import local_rows, place_batch
from tanuki_jax.training.loss import make_loss, without_capacity
from tanuki_jax.training.setup import TrainSetup, TrainState


def make_held_out(setup: TrainSetup, loader: Loader) -> Callable[[TrainState], dict[str, float]]:
    """Return a function of the train state: mean loss on the held-out documents of each source, and of all together.

    The loss is in nats a token, for pairs a pair. Keys are `held_out/SOURCE` and `held_out/all`; an objective with
    `reports_held_out_parts` adds `held_out/SOURCE/METRIC`. The rows are the same every time, and are kept on the
    device. Empty if no source has held-out documents.
    """
    experiment, mesh, objective = setup.experiment, setup.mesh, setup.objective
    rows = experiment.data.batch_rows // experiment.layout.accumulation
    shape = (experiment.held_out.rows // rows, rows, experiment.data.sequence_length)
    local = local_rows(mesh, shape)
    loss_sums = make_loss(without_capacity(setup))
    batches = {}
    for source in loader.held_out_sources:
        batch = loader.held_out(source, experiment.held_out.rows)
        batches[source] = place_batch(mesh, jax.tree.map(lambda array: array[local], batch), local, shape)

    @jax.jit
    def evaluate(state: TrainState, batch: Batch[jax.Array]) -> Sums:
        used, context = setup.gather(setup.used_parameters(state)), objective.step_context(batch)
        sums: Sums = jax.lax.map(lambda micro: loss_sums(used, micro, context), batch)
        return jax.tree.map(lambda x: x.sum(0), sums)

    def held_out(state: TrainState) -> dict[str, float]:
        if not batches:
            return {}
        needed = {name: state[name] for name in ("parameters", "frozen") if name in state}
        sums = jax.device_get({source: evaluate(needed, batch) for source, batch in batches.items()})
        losses = _means("loss", sums)
        if objective.reports_held_out_parts:
            for name in next(iter(sums.values())).parts:
                if name != "loss":
                    losses |= {f"{key}/{name}": value for key, value in _means(name, sums).items()}
        return losses

    return held_out


def _means(part: str, sums: Mapping[str, Sums]) -> dict[str, float]:
    """Return the means of a part, by source and of all together."""
    means = {f"held_out/{source}": float(found.parts[part] / found.weight) for source, found in sums.items()}
    total = sum(found.parts[part] for found in sums.values()) / sum(found.weight for found in sums.values())
    return means | {"held_out/all": float(total)}
