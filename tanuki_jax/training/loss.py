"""The objective of an experiment as a function of its parameters: from rows of tokens to sums, on a mesh."""

from collections.abc import Callable
from typing import Any

import jax
from jax.sharding import Mesh

from tanuki_jax.config.experiment import Experiment, NextToken, Preference
from tanuki_jax.data.batch import Batch
from tanuki_jax.lm.kernels.fp8 import fp8_matmul
from tanuki_jax.lm.model.experts import Routing
from tanuki_jax.lm.model.flops import training_flops_per_token
from tanuki_jax.lm.model.lora import DROPOUT_KEYS, is_adapter, scaled
from tanuki_jax.lm.model.remat import Remat, keep_all, rematerialize
from tanuki_jax.lm.model.transformer import Params, hidden_states, output_matrix, plain_matmul
from tanuki_jax.lm.objectives.embedding_noise import embedding_noise
from tanuki_jax.lm.objectives.next_token import next_token
from tanuki_jax.lm.objectives.preference import pairs_at_first_token, pairs_per_token, preference
from tanuki_jax.lm.objectives.router_losses import add_routing
from tanuki_jax.lm.objectives.sums import Sums, Whole
from tanuki_jax.lm.parallel.dispatch import make_dispatch
from tanuki_jax.lm.parallel.pipeline import make_pipeline
from tanuki_jax.lm.parallel.sharded_attention import make_attend
from tanuki_jax.lm.parallel.sharded_cross_entropy import sharded_linear_cross_entropy
from tanuki_jax.lm.parallel.sharding import activation_constraint

type LossSums = Callable[[Params, Batch[jax.Array], Whole], Sums]

type Forward = Callable[[Params, Batch[jax.Array], jax.Array | None, Remat], tuple[jax.Array, Routing | None]]
"""Parameters, rows, key of the random draws, what is computed again -> final states [B, T, D], and what routers did."""


def whole(experiment: Experiment, batch: Batch[jax.Array]) -> Whole:
    """What each micro-batch of a batch [..., B, T] is told of the others, without a key."""
    return Whole(pairs_per_token(batch) if isinstance(experiment.objective, Preference) else None)


def flops_per_token(experiment: Experiment) -> int:
    """`training_flops_per_token` of what an experiment trains, its reference included if each step computes it."""
    frozen, reference = experiment.lora.rank > 0, computes_reference(experiment)
    return training_flops_per_token(
        experiment.model, experiment.data.sequence_length, frozen=frozen, reference=reference
    )


def computes_reference(experiment: Experiment) -> bool:
    """Whether each step computes log-probabilities without the adapters too."""
    return isinstance(experiment.objective, Preference) and experiment.objective.computes_reference


def draws(experiment: Experiment) -> bool:
    """Whether the loss has random draws: it needs a key then."""
    noise = isinstance(experiment.objective, NextToken) and experiment.objective.noise > 0
    return noise or (experiment.lora.rank > 0 and experiment.lora.dropout > 0)


def with_adapters(experiment: Experiment, frozen: Params, adapters: Params) -> Params:
    """The parameters of the loss where adapters of frozen weights are trained."""
    return {**frozen, "blocks": {**frozen["blocks"], **scaled(adapters["blocks"], experiment.lora)}}


def without_adapters(parameters: Params) -> Params:
    """The same with the adapters switched off."""
    return {
        **parameters,
        "blocks": {name: array for name, array in parameters["blocks"].items() if not is_adapter(name)},
    }


def make_loss(experiment: Experiment, mesh: Mesh) -> LossSums:
    """The objective of an experiment as a function of parameters, as `make_gather` gives them, and of rows [B, T]."""
    layout, objective = experiment.layout, experiment.objective
    cross_entropy = sharded_linear_cross_entropy(mesh, layout, frozen=experiment.lora.rank > 0)
    remat, pipeline = rematerialize(layout.remat, layout.save, layout.offload), make_pipeline(mesh, layout)
    forward = make_forward(experiment, mesh)
    reference_logps = make_reference_logps(experiment, mesh)

    def loss_sums(parameters: Params, batch: Batch[jax.Array], whole: Whole) -> Sums:
        states_btd, routing = forward(parameters, batch, whole.key, remat)
        output_dv, counted_bt = output_matrix(parameters), batch.loss_weights
        if isinstance(objective, NextToken):
            sums = next_token(states_btd, output_dv, batch, objective, cross_entropy)
        else:
            assert whole.pairs_per_token is not None
            reference_bt = batch.reference_logps
            if objective.computes_reference:
                reference_bt = jax.lax.stop_gradient(reference_logps(without_adapters(parameters), batch))
            sums = preference(
                states_btd, output_dv, batch, objective, cross_entropy, reference_bt, whole.pairs_per_token
            )
            counted_bt = pairs_at_first_token(batch)
        return sums if routing is None else add_routing(sums, routing, experiment.router, pipeline.sums(counted_bt))

    return loss_sums


def make_reference_logps(experiment: Experiment, mesh: Mesh) -> Callable[[Params, Batch[jax.Array]], jax.Array]:
    """Log-probabilities of the targets that count by a model without adapters: (parameters, rows [B, T]) -> float32[B, T], else 0."""
    forward, cross_entropy = make_forward(experiment, mesh), sharded_linear_cross_entropy(mesh, experiment.layout)

    def logps(parameters: Params, batch: Batch[jax.Array]) -> jax.Array:
        states_btd, _ = forward(parameters, batch, None, keep_all)
        return (
            cross_entropy(states_btd, output_matrix(parameters), batch.targets, batch.loss_weights)[0]
            * batch.loss_weights
        )

    return logps


def make_forward(experiment: Experiment, mesh: Mesh) -> Forward:
    """The model of an experiment on a mesh."""
    model, layout, objective, lora = experiment.model, experiment.layout, experiment.objective, experiment.lora
    placed: dict[str, Any] = {
        "attend": make_attend(mesh, layout.attention),
        "dispatch": make_dispatch(mesh, model, layout, experiment.router),
        "constrain": activation_constraint(mesh),
        "matmul": fp8_matmul if layout.projections == "fp8" else plain_matmul,
        "through": make_pipeline(mesh, layout).through,
    }

    def forward(
        parameters: Params, batch: Batch[jax.Array], key: jax.Array | None, remat: Remat
    ) -> tuple[jax.Array, Routing | None]:
        noise_btd, dropout = None, 0.0
        if key is not None and lora.rank:
            dropout = lora.dropout
            keys_l = jax.random.key_data(jax.random.split(jax.random.fold_in(key, 0), model.layers))
            parameters = {**parameters, "blocks": {**parameters["blocks"], DROPOUT_KEYS: keys_l}}
        if key is not None and isinstance(objective, NextToken) and objective.noise:
            noise_btd = embedding_noise(
                jax.random.fold_in(key, 1), batch, model.width, objective.noise, layout.compute_dtype
            )
        return hidden_states(
            parameters,
            batch.tokens,
            batch.segment_ids,
            batch.positions,
            model,
            compute_dtype=layout.compute_dtype,
            remat=remat,
            noise_btd=noise_btd,
            dropout=dropout,
            **placed,
        )

    return forward
