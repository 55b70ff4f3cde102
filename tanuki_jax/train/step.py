"""One optimizer step: accumulate micro-batches as sums, clip, guard, update."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh

from tanuki_jax.config.experiment import Experiment
from tanuki_jax.data.batch import Batch
from tanuki_jax.kernels.fp8 import fp8_matmul
from tanuki_jax.model.llama import Params, hidden_states, initialise, output_matrix, plain_matmul
from tanuki_jax.model.remat import rematerialize
from tanuki_jax.objectives.next_token import next_token
from tanuki_jax.objectives.routing import add_routing
from tanuki_jax.objectives.sums import Sums
from tanuki_jax.parallel.attention import make_attend
from tanuki_jax.parallel.dispatch import make_dispatch
from tanuki_jax.parallel.pipeline import make_pipeline
from tanuki_jax.parallel.sharding import activation_constraint, make_gather, shardings
from tanuki_jax.parallel.vocabulary import sharded_linear_cross_entropy
from tanuki_jax.train import guard
from tanuki_jax.train.optimizer import learning_rate, make_optimizer

type TrainState = dict[str, Any]
"""`parameters`; `optimizer`, Adam's moments and count; `accepted`, the int32[] number of accepted steps; `guard`, its window; and
`rate_factor`, float32[], which the learning rate is multiplied with."""

type Metrics = dict[str, jax.Array]

type Step = Callable[[TrainState, Batch[jax.Array]], tuple[TrainState, Metrics]]

type LossSums = Callable[[Params, Batch[jax.Array]], Sums]


def make_loss(experiment: Experiment, mesh: Mesh) -> LossSums:
    """The objective of an experiment as a function of parameters, as `make_gather` gives them, and of rows [B, T]."""
    model, layout = experiment.model, experiment.layout
    constrain, cross_entropy = activation_constraint(mesh), sharded_linear_cross_entropy(mesh, layout)
    attend, dispatch = make_attend(mesh, layout.attention), make_dispatch(mesh, model, layout, experiment.router)
    remat, pipeline = rematerialize(layout.remat, layout.save, layout.offload), make_pipeline(mesh, layout)

    def loss_sums(parameters: Params, batch: Batch[jax.Array]) -> Sums:
        states_btd, routing = hidden_states(
            parameters,
            batch.tokens,
            batch.segment_ids,
            batch.positions,
            model,
            attend=attend,
            constrain=constrain,
            compute_dtype=layout.compute_dtype,
            remat=remat,
            dispatch=dispatch,
            matmul=fp8_matmul if layout.projections == "fp8" else plain_matmul,
            through=pipeline.through,
        )
        sums = next_token(states_btd, output_matrix(parameters), batch, experiment.objective, cross_entropy)
        return sums if routing is None else add_routing(sums, routing, experiment.router, pipeline.sums(batch.loss_weights))

    return loss_sums


def initial_state(experiment: Experiment) -> TrainState:
    """Fresh parameters and optimizer state; to be jitted with `out_shardings`, or shaped with `jax.eval_shape`."""
    parameters = initialise(experiment.model, jax.random.key(experiment.seed), experiment.layout.parameter_dtype)
    return {
        "parameters": parameters,
        "optimizer": make_optimizer(experiment.optimizer).init(parameters),
        "accepted": jnp.zeros((), jnp.int32),
        "guard": jax.tree.map(jnp.asarray, guard.window(experiment.guard.window)),
        "rate_factor": jnp.ones((), jnp.float32),
    }


def make_step(experiment: Experiment, mesh: Mesh) -> Step:
    """The jitted training step: (state, batch [accumulation, B, T]) -> (state, metrics). The state is donated."""
    placed = shardings(mesh, jax.eval_shape(lambda: initial_state(experiment)))
    return jax.jit(step_function(experiment, mesh), donate_argnums=0, out_shardings=(placed, None))


def step_function(experiment: Experiment, mesh: Mesh) -> Step:
    """The training step, to be jitted.

    A step that the guard rejects (`guard.judge`), by the sum of all losses a token or by the gradient norm before clipping, leaves every
    array of the state bit for bit as it was. The norm is not finite if any gradient is not.
    """
    loss_sums = make_loss(experiment, mesh)
    optimizer = make_optimizer(experiment.optimizer)
    placed = shardings(mesh, jax.eval_shape(lambda: initial_state(experiment)))
    gather = make_gather(mesh, experiment.layout)

    def scatter(gradients: Params) -> Params:
        summable = jax.tree.map(lambda g: g.astype(jnp.float32), gradients)
        scattered: Params = jax.lax.with_sharding_constraint(summable, placed["parameters"])
        return scattered

    def step(state: TrainState, batch: Batch[jax.Array]) -> tuple[TrainState, Metrics]:
        parameters = state["parameters"]
        sums, gradients = _accumulate(loss_sums, gather(parameters), batch, scatter)
        gradients = jax.tree.map(lambda g: g / sums.weight, gradients)
        norm = optax.tree.norm(gradients)
        clip = jnp.minimum(1.0, experiment.optimizer.clip_norm / (norm + 1e-6))
        clipped = jax.tree.map(lambda g, p: (g * clip).astype(p.dtype), gradients, parameters)
        directions, moments = optimizer.update(clipped, state["optimizer"], parameters)
        rate = learning_rate(experiment.schedule, experiment.steps, state["accepted"]) * state["rate_factor"]
        updated = jax.tree.map(lambda p, d: p - (rate * d).astype(p.dtype), parameters, directions)
        loss = sums.total / sums.weight
        accepted, deviations = guard.judge(state["guard"], loss, norm, experiment.guard)
        proposed = state | {
            "parameters": updated,
            "optimizer": moments,
            "accepted": state["accepted"] + 1,
            "guard": guard.remember(state["guard"], loss, norm),
        }
        state = jax.tree.map(lambda new, old: jnp.where(accepted, new, old), proposed, state)
        means = {name: part / sums.weight for name, part in sums.parts.items()}
        return state, means | {
            "gradient_norm": norm,
            "learning_rate": rate,
            "tokens": sums.weight,
            "accepted": accepted,
            "deviations": deviations,
            "updates": state["accepted"],
        }

    return step


def _accumulate(
    loss_sums: LossSums, parameters: Params, batch: Batch[jax.Array], scatter: Callable[[Params], Params]
) -> tuple[Sums, Params]:
    """Sums and gradients of their total over the parts of a batch [accumulation, B, T]; `scatter` is what is done to those of each."""

    def one(micro: Batch[jax.Array]) -> tuple[Sums, Params]:
        def total(parameters: Params) -> tuple[jax.Array, Sums]:
            sums = loss_sums(parameters, micro)
            return sums.total, sums

        (_, sums), gradients = jax.value_and_grad(total, has_aux=True)(parameters)
        return sums, scatter(gradients)

    if batch.tokens.shape[0] == 1:
        return one(jax.tree.map(lambda x: x[0], batch))
    shapes = jax.eval_shape(one, jax.tree.map(lambda x: x[0], batch))
    zero = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    return jax.lax.scan(lambda carry, micro: (jax.tree.map(jnp.add, carry, one(micro)), None), zero, batch)[0]
