"""Setup of training: what is made of an experiment on a mesh, once (shapes, shardings, objective, optimizer,
forward)."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from tanuki_jax.config.experiment import Experiment
from tanuki_jax.data.batch import Batch
from tanuki_jax.lm.kernels.cross_entropy import LowRank
from tanuki_jax.lm.kernels.fp8 import fp8_matmul
from tanuki_jax.lm.model import lora
from tanuki_jax.lm.model.experts import Routing
from tanuki_jax.lm.model.flops import training_flops_per_token
from tanuki_jax.lm.model.quantized_base import quantize_base
from tanuki_jax.lm.model.remat import Remat, keep_all
from tanuki_jax.lm.model.transformer import Ops, RunLayers, hidden_states, initialise, output_adapter, plain_matmul
from tanuki_jax.lm.model.weights import ADAPTERS, Params
from tanuki_jax.lm.objectives.make_objective import make_objective
from tanuki_jax.lm.optimizers.make_optimizer import make_optimizer
from tanuki_jax.lm.parallel.dispatch import make_dispatch
from tanuki_jax.lm.parallel.pipeline import make_pipeline
from tanuki_jax.lm.parallel.sharded_attention import make_attend
from tanuki_jax.lm.parallel.sharding import activation_constraint, make_gather, shardings
from tanuki_jax.training import guard

type TrainState = dict[str, Any]
"""`parameters` that are trained; `frozen`, the model that they adapt, if they are adapters; `optimizer`, its state;
`accepted`, the int32[] number of accepted steps; `guard`, its window; and `rate_factor`, float32[], a factor of the
learning rate."""


def initial_state(experiment: Experiment, base: Params | None = None) -> TrainState:
    """Return fresh parameters and optimizer state; to be jitted with `out_shardings`, or shaped by `state_shapes`.

    Args:
        experiment: with a LoRA rank only adapters are trained, of frozen parameters.
        base: the parameters that are trained or adapted, of any type; None: fresh ones.
    """
    key, layout, model = jax.random.key(experiment.seed), experiment.layout, experiment.model
    state: TrainState = {}
    params = initialise(model, key, layout.parameter_dtype) if base is None else base
    if experiment.lora.rank:
        state["frozen"] = quantize_base(model, params, experiment.lora)
        params = lora.initialise(model, state["frozen"], experiment.lora, key, layout.parameter_dtype)
    return state | {
        "parameters": params,
        "optimizer": _optimizer(experiment).init(params),
        "accepted": jnp.zeros((), jnp.int32),
        "guard": jax.tree.map(jnp.asarray, guard.window(experiment.guard.window)),
        "rate_factor": jnp.ones((), jnp.float32),
    }


def _optimizer(experiment: Experiment) -> Any:
    return make_optimizer(experiment.optimizer, experiment.model, experiment.lora.loraplus_ratio)


@functools.cache
def state_shapes(experiment: Experiment) -> TrainState:
    """Return the train state of an experiment as a tree of `jax.ShapeDtypeStruct`."""
    shapes: TrainState = jax.eval_shape(lambda: initial_state(experiment))
    return shapes


def flops_per_token(experiment: Experiment) -> int:
    """Return `training_flops_per_token` of an experiment, with its reference if each step computes it."""
    return training_flops_per_token(
        experiment.model,
        experiment.data.sequence_length,
        frozen=experiment.lora.rank > 0,
        reference=experiment.objective.computes_reference,
    )


class TrainSetup:
    """An experiment on a mesh. To be used inside `jax.set_mesh`, as the arrays are."""

    def __init__(self, experiment: Experiment, mesh: Mesh) -> None:
        """InputError if the mesh does not divide a parameter, or no kernel serves its devices."""
        model, layout = experiment.model, experiment.layout
        self.experiment, self.mesh = experiment, mesh
        self.objective = make_objective(experiment.objective)
        self.optimizer = _optimizer(experiment)
        self.state_shapes = state_shapes(experiment)
        self.state_shardings: TrainState = shardings(mesh, model, self.state_shapes)
        self.gather = make_gather(mesh, model, layout)
        self.pipeline = make_pipeline(mesh, model, layout)
        self._ops = Ops(
            attend=make_attend(mesh, layout.attention),
            constrain=activation_constraint(mesh),
            dispatch=make_dispatch(mesh, model, layout, experiment.router),
            matmul=fp8_matmul if layout.projections == "fp8" else plain_matmul,
            run_layers=self.pipeline.run_layers,
        )

    @property
    def needs_rng(self) -> bool:
        """Whether the loss is stochastic: it needs a key then."""
        lora_config = self.experiment.lora
        return self.objective.needs_rng or (lora_config.rank > 0 and lora_config.dropout > 0)

    def used_parameters(self, state: TrainState) -> Params:
        """Return the parameters of the forward pass: those that are trained, or frozen ones with the adapters that
        are."""
        if not self.experiment.lora.rank:
            trained: Params = state["parameters"]
            return trained
        return self.with_adapters(state["frozen"], state["parameters"])

    def with_adapters(self, frozen: Params, adapters: Params) -> Params:
        """Return the parameters of the forward pass where adapters of frozen weights are trained."""
        return {**frozen, ADAPTERS: lora.scaled(adapters, self.experiment.lora)}

    def forward(
        self,
        params: Params,
        batch: Batch[jax.Array],
        *,
        key: jax.Array | None = None,
        remat: Remat = keep_all,
        run_layers: RunLayers | None = None,
    ) -> tuple[jax.Array, Routing | None]:
        """Return final states [B, T, D] and what routers did.

        Args:
            params: parameters as `gather` and `used_parameters` return them.
            batch: rows [B, T].
            key: key of the random draws; None: adapters drop nothing, and embeddings get no noise.
            remat: wraps each layer.
            run_layers: replaces the layout's way through the layers.
        """
        model, layout, lora_config = self.experiment.model, self.experiment.layout, self.experiment.lora
        noise_btd, dropout_keys_l = None, None
        if key is not None and lora_config.rank:
            dropout_keys_l = jax.random.key_data(jax.random.split(jax.random.fold_in(key, 0), model.layers))
        if key is not None:
            noise_key = jax.random.fold_in(key, 1)
            noise_btd = self.objective.embedding_noise(noise_key, batch, model.width, layout.compute_dtype)
        return hidden_states(
            params,
            batch.tokens,
            batch.segment_ids,
            batch.positions,
            model,
            dataclasses.replace(self._ops, remat=remat, run_layers=run_layers or self._ops.run_layers),
            compute_dtype=layout.compute_dtype,
            noise_btd=noise_btd,
            dropout=lora_config.dropout,
            dropout_keys_l=dropout_keys_l,
        )

    def low_rank_output(self, params: Params, states_btd: jax.Array, key: jax.Array | None = None) -> LowRank | None:
        """Return the product that the adapter of the output matrix adds to the logits; None: there is no such adapter.

        Args:
            params: parameters as `gather` and `used_parameters` return them.
            states_btd: final states, as `forward` returns them.
            key: key of the random draws; None: the adapter drops nothing.
        """
        adapter = output_adapter(params)
        if adapter is None:
            return None
        key_data = None if key is None else jax.random.key_data(jax.random.fold_in(key, 2))
        dropped_btd = lora.dropping(key_data, self.experiment.lora.dropout)(states_btd, 0)
        low_btr = jnp.tensordot(dropped_btd, adapter.a.astype(states_btd.dtype), 1)
        return LowRank(low_btr, adapter.b)


def without_adapters(params: Params) -> Params:
    """Return parameters of the forward pass with the adapters switched off."""
    return {name: part for name, part in params.items() if name != ADAPTERS}
