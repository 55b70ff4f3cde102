"""Loss of an experiment as a function of its parameters: from rows of tokens to sums, on a mesh."""

import dataclasses
import functools
from collections.abc import Callable

import jax

from tanuki_jax.data.batch import Batch
from tanuki_jax.lm.model.remat import rematerialize
from tanuki_jax.lm.model.transformer import output_matrix
from tanuki_jax.lm.model.weights import Params
from tanuki_jax.lm.objectives.objective import StepContext, Sums
from tanuki_jax.lm.objectives.router_losses import add_routing
from tanuki_jax.lm.parallel.sharded_cross_entropy import sharded_linear_cross_entropy
from tanuki_jax.training.setup import TrainSetup, without_adapters

type LossSums = Callable[[Params, Batch[jax.Array], StepContext], Sums]
"""(parameters as `gather` and `used_parameters` return them, rows [B, T], context) -> sums."""


def make_loss(setup: TrainSetup, *, by_row: bool = False) -> LossSums:
    """Return the loss of a micro-batch, with that of its routers; `by_row`: its sums have `row_logps`."""
    experiment, objective = setup.experiment, setup.objective
    layout = experiment.layout
    cross_entropy = sharded_linear_cross_entropy(setup.mesh, layout, frozen=experiment.lora.rank > 0)
    remat = rematerialize(layout.remat, layout.save, layout.offload)
    reference_logps = make_reference_logps(setup)

    def loss_sums(params: Params, batch: Batch[jax.Array], context: StepContext) -> Sums:
        states_btd, routing = setup.forward(params, batch, key=context.key, remat=remat)
        reference_bt = batch.reference_logps
        if experiment.objective.computes_reference:
            reference_bt = jax.lax.stop_gradient(reference_logps(without_adapters(params), batch))
        low = setup.low_rank_output(params, states_btd, context.key)
        adapted = functools.partial(cross_entropy, low=low)
        sums = objective.sums(states_btd, output_matrix(params), batch, adapted, reference_bt, context)
        row_logps = None
        if by_row:
            assert sums.token_logps is not None
            # The barrier keeps these sums out of the kernel that sums the loss, whose bits must not depend on them.
            row_logps = jax.lax.optimization_barrier(jax.lax.stop_gradient(sums.token_logps)).sum(-1)
        sums = sums._replace(token_logps=None, row_logps=row_logps)
        if routing is None:
            return sums
        return add_routing(sums, routing, experiment.router, setup.pipeline.sums(objective.counted(batch)))

    return loss_sums


def make_reference_logps(setup: TrainSetup) -> Callable[[Params, Batch[jax.Array]], jax.Array]:
    """Return log-probabilities of the targets by a reference: (parameters, rows [B, T]) -> float32[B, T].

    The parameters are those of the reference, with adapters if it has some. Targets that do not count have 0.
    """
    experiment = setup.experiment
    cross_entropy = sharded_linear_cross_entropy(setup.mesh, experiment.layout, frozen=experiment.lora.rank > 0)

    def logps(params: Params, batch: Batch[jax.Array]) -> jax.Array:
        states_btd, _ = setup.forward(params, batch)
        low = setup.low_rank_output(params, states_btd)
        found_bt, _ = cross_entropy(states_btd, output_matrix(params), batch.targets, batch.loss_weights, low)
        return found_bt * batch.loss_weights

    return logps


def without_router_losses(setup: TrainSetup) -> TrainSetup:
    """Return the setup of the same experiment without losses of routers."""
    router = dataclasses.replace(setup.experiment.router, load_balancing_weight=0.0, z_loss=0.0)
    return TrainSetup(dataclasses.replace(setup.experiment, router=router), setup.mesh)


def without_capacity(setup: TrainSetup) -> TrainSetup:
    """Return the setup of the same experiment with experts that take all tokens, so that no loss depends on the
    devices."""
    router = dataclasses.replace(setup.experiment.router, capacity_factor=0.0)
    return TrainSetup(dataclasses.replace(setup.experiment, router=router), setup.mesh)
