"""One optimizer step: accumulate micro-batches as sums, clip, guard, update."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh

from tanuki_jax.config.experiment import Experiment
from tanuki_jax.data.batch import Batch
from tanuki_jax.lm.model import lora
from tanuki_jax.lm.model.quantized_base import freeze
from tanuki_jax.lm.model.transformer import Params, initialise
from tanuki_jax.lm.objectives.sums import Sums, Whole
from tanuki_jax.lm.optimizers.optimizer import learning_rate, make_optimizer
from tanuki_jax.lm.parallel.sharding import make_gather, shardings
from tanuki_jax.training import guard
from tanuki_jax.training.loss import LossSums, draws, make_loss, whole, with_adapters

type TrainState = dict[str, Any]
"""`parameters`, those that are trained; `frozen`, the model whose adapters they are, if they are; `optimizer`, Adam's moments and count;
`accepted`, the int32[] number of accepted steps; `guard`, its window; and `rate_factor`, float32[], which the learning rate is multiplied
with."""

type Metrics = dict[str, jax.Array]

type Step = Callable[[TrainState, Batch[jax.Array]], tuple[TrainState, Metrics]]

_DRAWS = 1
"""What a step's random key is derived from beside the seed, from which alone the weights are, and the number of accepted steps."""


def initial_state(experiment: Experiment, base: Params | None = None) -> TrainState:
    """Fresh parameters and optimizer state; to be jitted with `out_shardings`, or shaped with `jax.eval_shape`.

    Args:
        experiment: with a LoRA rank only adapters are trained, of frozen parameters.
        base: those, of any type; None: fresh ones.
    """
    key, layout = jax.random.key(experiment.seed), experiment.layout
    state: TrainState = {}
    parameters = initialise(experiment.model, key, layout.parameter_dtype) if base is None else base
    if experiment.lora.rank:
        state["frozen"] = freeze(parameters, experiment.lora)
        parameters = {
            "blocks": lora.initialise(state["frozen"]["blocks"], experiment.lora, key, layout.parameter_dtype)
        }
    return state | {
        "parameters": parameters,
        "optimizer": make_optimizer(experiment.optimizer, experiment.lora.loraplus_ratio).init(parameters),
        "accepted": jnp.zeros((), jnp.int32),
        "guard": jax.tree.map(jnp.asarray, guard.window(experiment.guard.window)),
        "rate_factor": jnp.ones((), jnp.float32),
    }


def used_parameters(experiment: Experiment, state: TrainState) -> Params:
    """The parameters of the loss: those that are trained, or frozen ones with the adapters that are."""
    if not experiment.lora.rank:
        trained: Params = state["parameters"]
        return trained
    return with_adapters(experiment, state["frozen"], state["parameters"])


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
    optimizer = make_optimizer(experiment.optimizer, experiment.lora.loraplus_ratio)
    placed = shardings(mesh, jax.eval_shape(lambda: initial_state(experiment)))
    gather = make_gather(mesh, experiment.layout)

    def scatter(gradients: Params) -> Params:
        summable = jax.tree.map(lambda g: g.astype(jnp.float32), gradients)
        scattered: Params = jax.lax.with_sharding_constraint(summable, placed["parameters"])
        return scattered

    def step(state: TrainState, batch: Batch[jax.Array]) -> tuple[TrainState, Metrics]:
        parameters = state["parameters"]
        frozen = gather(state["frozen"]) if experiment.lora.rank else {}
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(experiment.seed), _DRAWS), state["accepted"])
        told = whole(experiment, batch)._replace(key=key if draws(experiment) else None)

        def losses(trained: Params, micro: Batch[jax.Array], told: Whole) -> Sums:
            used = with_adapters(experiment, frozen, trained) if experiment.lora.rank else trained
            return loss_sums(used, micro, told)

        sums, gradients = _accumulate(losses, gather(parameters), batch, told, scatter)
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
            "tokens": (batch.segment_ids != 0).sum(),
            "accepted": accepted,
            "deviations": deviations,
            "updates": state["accepted"],
        }

    return step


def _accumulate(
    losses: LossSums, parameters: Params, batch: Batch[jax.Array], told: Whole, scatter: Callable[[Params], Params]
) -> tuple[Sums, Params]:
    """Sums and gradients of their total over the parts of a batch [accumulation, B, T]; `scatter` is what is done to those of each."""

    def one(number: jax.Array | int, micro: Batch[jax.Array]) -> tuple[Sums, Params]:
        key = None if told.key is None else jax.random.fold_in(told.key, number)

        def total(parameters: Params) -> tuple[jax.Array, Sums]:
            sums = losses(parameters, micro, told._replace(key=key))
            return sums.total, sums

        (_, sums), gradients = jax.value_and_grad(total, has_aux=True)(parameters)
        return sums, scatter(gradients)

    parts = batch.tokens.shape[0]
    if parts == 1:
        return one(0, jax.tree.map(lambda x: x[0], batch))
    shapes = jax.eval_shape(one, 0, jax.tree.map(lambda x: x[0], batch))
    zero = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    return jax.lax.scan(
        lambda carry, part: (jax.tree.map(jnp.add, carry, one(*part)), None), zero, (jnp.arange(parts), batch)
    )[0]
