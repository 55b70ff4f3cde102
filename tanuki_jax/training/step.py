"""One optimizer step: accumulate micro-batches as sums, clip, guard, update."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from tanuki_jax.data.batch import Batch
from tanuki_jax.lm.model.weights import Params
from tanuki_jax.lm.objectives.objective import StepContext, Sums
from tanuki_jax.lm.optimizers.schedules import learning_rate
from tanuki_jax.training import guard
from tanuki_jax.training.loss import LossSums, make_loss
from tanuki_jax.training.setup import TrainSetup, TrainState

type Metrics = dict[str, jax.Array]

type Step = Callable[[TrainState, Batch[jax.Array]], tuple[TrainState, Metrics]]

_STEP_KEYS = 1
"""Number that tells keys of steps from the key of the weights, both of which derive from the seed."""


def make_step(setup: TrainSetup, *, by_row: bool = False) -> Step:
    """Return the jitted training step: (state, batch [accumulation, B, T]) -> (state, metrics). The state is
    donated. `by_row`: as in `step_function`."""
    return jax.jit(step_function(setup, by_row=by_row), donate_argnums=0, out_shardings=(setup.state_shardings, None))


def step_function(setup: TrainSetup, *, by_row: bool = False) -> Step:
    """Return the training step, to be jitted.

    With `by_row` the metrics have `row_losses` and `row_weights`, float32[accumulation x B]: the loss of each row of
    the batch, summed over the tokens that count, and the sum of their weights.

    A step that the guard rejects (`guard.judge`), by the mean loss or by the gradient norm before clipping, leaves
    every array of the state bit for bit as it was. The norm is not finite if any gradient is not.
    """
    experiment, optimizer, gather = setup.experiment, setup.optimizer, setup.gather
    loss_sums, adapts = make_loss(setup, by_row=by_row), experiment.lora.rank > 0

    def scatter(gradients: Params) -> Params:
        summable = jax.tree.map(lambda g: g.astype(jnp.float32), gradients)
        scattered: Params = jax.lax.with_sharding_constraint(summable, setup.state_shardings["parameters"])
        return scattered

    def step(state: TrainState, batch: Batch[jax.Array]) -> tuple[TrainState, Metrics]:
        params = state["parameters"]
        frozen = gather(state["frozen"]) if adapts else {}
        context = setup.objective.step_context(batch)
        if setup.needs_rng:
            key = jax.random.fold_in(jax.random.key(experiment.seed), _STEP_KEYS)
            context = context._replace(key=jax.random.fold_in(key, state["accepted"]))

        def losses(trained: Params, micro: Batch[jax.Array], context: StepContext) -> Sums:
            return loss_sums(setup.with_adapters(frozen, trained) if adapts else trained, micro, context)

        sums, gradients = _accumulate(losses, gather(params), batch, context, scatter)
        gradients = jax.tree.map(lambda g: g / sums.weight, gradients)
        norm = optax.tree.norm(gradients)
        clip = jnp.minimum(1.0, experiment.optimizer.clip_norm / (norm + 1e-6))
        clipped = jax.tree.map(lambda g, p: (g * clip).astype(p.dtype), gradients, params)
        directions, moments = optimizer.update(clipped, state["optimizer"], params)
        rate = learning_rate(experiment.schedule, experiment.steps, state["accepted"]) * state["rate_factor"]
        updated = jax.tree.map(lambda p, d: p - (rate * d).astype(p.dtype), params, directions)
        loss = sums.total / sums.weight
        accepted, deviations = guard.judge(state["guard"], loss, norm, experiment.guard)
        proposed = state | {
            "parameters": updated,
            "optimizer": moments,
            "accepted": state["accepted"] + 1,
            "guard": guard.remember(state["guard"], loss, norm),
        }
        # Selection, not multiplication by 0 or 1: a NaN of the rejected step would survive that.
        state = jax.tree.map(lambda new, old: jnp.where(accepted, new, old), proposed, state)
        means = {name: part / sums.weight for name, part in sums.parts.items()}
        return state, means | _rows(setup, sums, batch) | {
            "gradient_norm": norm,
            "learning_rate": rate,
            "tokens": (batch.segment_ids != 0).sum(),
            "accepted": accepted,
            "deviations": deviations,
            "updates": state["accepted"],
        }

    return step


def _rows(setup: TrainSetup, sums: Sums, batch: Batch[jax.Array]) -> Metrics:
    """Return losses and weights of all rows, on every device; empty if the sums have none of single rows."""
    if sums.row_logps is None:
        return {}
    rows = {"row_losses": -sums.row_logps.ravel(), "row_weights": batch.loss_weights.sum(-1).ravel()}
    everywhere: Metrics = jax.lax.with_sharding_constraint(rows, NamedSharding(setup.mesh, P()))
    return everywhere


def _accumulate(
    losses: LossSums,
    params: Params,
    batch: Batch[jax.Array],
    context: StepContext,
    scatter: Callable[[Params], Params],
) -> tuple[Sums, Params]:
    """Return sums and gradients of their total over the micro-batches of a batch [accumulation, B, T]; sums of rows are
    not added, but stacked.

    `scatter` takes the gradients of one micro-batch to where they are summed: each device then adds only its own share,
    in float32.
    """

    def one(number: jax.Array | int, micro: Batch[jax.Array]) -> tuple[Sums, Params]:
        key = None if context.key is None else jax.random.fold_in(context.key, number)

        def total(params: Params) -> tuple[jax.Array, Sums]:
            sums = losses(params, micro, context._replace(key=key))
            return sums.total, sums

        (_, sums), gradients = jax.value_and_grad(total, has_aux=True)(params)
        return sums, scatter(gradients)

    parts = batch.tokens.shape[0]
    if parts == 1:
        return one(0, jax.tree.map(lambda x: x[0], batch))
    # Sums and gradients are added in the carry of a scan, so that one micro-batch's activations are held at a time.
    shapes, gradient_shapes = jax.eval_shape(one, 0, jax.tree.map(lambda x: x[0], batch))
    added = shapes._replace(row_logps=None), gradient_shapes
    zero = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), added)

    def add(carry: tuple[Sums, Params], part: tuple[jax.Array, Batch[jax.Array]]) -> Any:
        sums, gradients = one(*part)
        return jax.tree.map(jnp.add, carry, (sums._replace(row_logps=None), gradients)), sums.row_logps

    (sums, gradients), row_logps = jax.lax.scan(add, zero, (jnp.arange(parts), batch))
    return sums._replace(row_logps=row_logps), gradients
