"""What is measured of weights and a batch: activations, routers and gradients by layer, and the loss of every token."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax.sharding import Mesh

from tanuki_jax.config.experiment import Experiment
from tanuki_jax.data.batch import Batch
from tanuki_jax.lm.kernels.fp8 import fp8_matmul
from tanuki_jax.lm.model.experts import Routing
from tanuki_jax.lm.model.remat import Remat
from tanuki_jax.lm.model.transformer import Layer, Params, hidden_states, output_matrix, plain_matmul
from tanuki_jax.lm.parallel.dispatch import make_dispatch
from tanuki_jax.lm.parallel.sharded_attention import make_attend
from tanuki_jax.lm.parallel.sharded_cross_entropy import sharded_linear_cross_entropy
from tanuki_jax.lm.parallel.sharding import activation_constraint, make_gather, shardings
from tanuki_jax.training.loss import make_loss, whole
from tanuki_jax.training.step import TrainState, initial_state, used_parameters

type Floats = npt.NDArray[np.floating[Any]]


class Forward(NamedTuple):
    """Of a batch of N rows, on the host."""

    losses_nt: Floats
    """Negative log-probability of every target, in nats; 0 for padding."""
    activations_l: Floats
    """Root mean square of what leaves each layer, over the tokens that are not padding."""
    load_le: Floats | None
    """Share of the choices that went to each expert; None for a dense model."""


class Probe:
    """Measures batches [accumulation, rows, T] by the weights of a train state on a mesh; none is changed. To be used inside
    `jax.set_mesh`.

    The layout must have neither stages nor a split of the time dim. Nothing is drawn: adapters drop no inputs, and embeddings get no noise.
    """

    def __init__(self, experiment: Experiment, mesh: Mesh) -> None:
        self._forward = jax.jit(_make_forward(experiment, mesh))
        self._gradient = _make_gradient(experiment, mesh)
        without = dataclasses.replace(experiment.router, load_balancing_weight=0.0, z_loss=0.0)
        alone = dataclasses.replace(experiment, router=without)
        self._gradient_alone = _make_gradient(alone, mesh) if experiment.model.experts else self._gradient
        self._squares = jax.jit(_squares_by_group)
        self.groups = groups(experiment)

    def forward(self, state: TrainState, batch: Batch[jax.Array]) -> Forward:
        """What the forward pass shows."""
        losses, squares_al, load_ale, tokens_a = jax.device_get(self._forward(_weights(state), batch))
        share_a = tokens_a / tokens_a.sum()
        load_le = None if load_ale is None else np.tensordot(share_a, load_ale, 1)
        return Forward(losses.reshape(-1, losses.shape[-1]), np.sqrt(squares_al.sum(0) / tokens_a.sum()), load_le)

    def gradient_norms(self, state: TrainState, batch: Batch[jax.Array]) -> Floats:
        """Norm of the gradient of the batch's total loss (the sum, not the mean), for each of `groups`; their squares add up."""
        return self._norms(self._gradient, state, batch)

    def gradient_norm_alone(self, state: TrainState, batch: Batch[jax.Array]) -> float:
        """Norm of the gradient of the sum of the tokens' losses, without those of routers, which belong to no token."""
        return float(np.linalg.norm(self._norms(self._gradient_alone, state, batch)))

    def _norms(self, gradient: "_Gradient", state: TrainState, batch: Batch[jax.Array]) -> Floats:
        parts = (
            gradient(_weights(state), jax.tree.map(lambda x, at=at: x[at], batch))
            for at in range(batch.tokens.shape[0])
        )
        total = next(parts)
        for part in parts:
            total = jax.tree.map(jnp.add, total, part)
        norms: Floats = np.sqrt(jax.device_get(self._squares(total)))
        return norms


type _Gradient = Callable[[TrainState, Batch[jax.Array]], Params]


def _weights(state: TrainState) -> TrainState:
    """What of a train state its loss is a function of."""
    return {name: state[name] for name in ("frozen", "parameters") if name in state}


def groups(experiment: Experiment) -> list[str]:
    """Names of the groups of parameters whose gradients are measured: each layer, and what is trained before and after them."""
    trained = jax.eval_shape(lambda: initial_state(experiment))["parameters"]
    layers = [f"layer {layer}" for layer in range(experiment.model.layers)]
    return [*_outside(trained, "embedding"), *layers, *_outside(trained, "norm", "output")]


def _squares_by_group(gradients: Params) -> jax.Array:
    """Sums of squares, float32[groups], in the order of `groups`."""
    blocks = [jnp.square(g.astype(jnp.float32)).sum(tuple(range(1, g.ndim))) for g in gradients["blocks"].values()]
    layers_l = functools.reduce(jnp.add, blocks)

    def outside(*names: str) -> list[jax.Array]:
        return [jnp.square(gradients[name].astype(jnp.float32)).sum()[None] for name in _outside(gradients, *names)]

    return jnp.concatenate([*outside("embedding"), layers_l, *outside("norm", "output")])


def _outside(parameters: Params, *names: str) -> list[str]:
    """Those of the names that are among the parameters; of adapters none is."""
    return [name for name in names if name in parameters]


def _make_gradient(experiment: Experiment, mesh: Mesh) -> _Gradient:
    """The gradient of the summed losses of one micro-batch by what is trained, placed as that is."""
    loss_sums, gather = make_loss(experiment, mesh), make_gather(mesh, experiment.layout)

    def total(trained: Params, weights: TrainState, micro: Batch[jax.Array]) -> jax.Array:
        gathered = {name: gather(part) for name, part in (weights | {"parameters": trained}).items()}
        return loss_sums(used_parameters(experiment, gathered), micro, whole(experiment, micro)).total

    def gradient(weights: TrainState, micro: Batch[jax.Array]) -> Params:
        gradients: Params = jax.tree.map(
            lambda g: g.astype(jnp.float32), jax.grad(total)(weights["parameters"], weights, micro)
        )
        return gradients

    placed = shardings(mesh, jax.eval_shape(lambda: initial_state(experiment))["parameters"])
    jitted: _Gradient = jax.jit(gradient, out_shardings=placed)
    return jitted


def _make_forward(experiment: Experiment, mesh: Mesh) -> Callable[[TrainState, Batch[jax.Array]], Any]:
    """Losses [A, B, T], squares of activations [A, L] summed over tokens, loads [A, L, E] and numbers of tokens [A] of A micro-batches."""
    model, layout = experiment.model, experiment.layout
    attend, dispatch = make_attend(mesh, layout.attention), make_dispatch(mesh, model, layout, experiment.router)
    constrain, gather = activation_constraint(mesh), make_gather(mesh, layout)
    cross_entropy = sharded_linear_cross_entropy(mesh, layout)

    def forward(weights: TrainState, batch: Batch[jax.Array]) -> Any:
        used = used_parameters(experiment, {name: gather(part) for name, part in weights.items()})

        def micro(part: Batch[jax.Array]) -> Any:
            states_btd, recorded = hidden_states(
                used,
                part.tokens,
                part.segment_ids,
                part.positions,
                model,
                attend=attend,
                constrain=constrain,
                compute_dtype=layout.compute_dtype,
                dispatch=dispatch,
                matmul=fp8_matmul if layout.projections == "fp8" else plain_matmul,
                through=_recording,
            )
            squares_l, routing = cast(_Recorded, recorded)
            logps_bt, _ = cross_entropy(states_btd, output_matrix(used), part.targets, part.loss_weights)
            return -logps_bt, squares_l, None if routing is None else routing.load_e, (part.segment_ids != 0).sum()

        return jax.lax.map(micro, batch)

    return forward


class _Recorded(NamedTuple):
    squares_l: jax.Array
    routing: Routing | None


def _recording(
    layer: Layer, remat: Remat, x_btd: jax.Array, segment_ids: jax.Array, positions: jax.Array, blocks: Params
) -> tuple[jax.Array, Any]:
    """`model.llama.Through`, which gives `_Recorded` in the place of what routers did."""
    real_bt1 = segment_ids[..., None] != 0

    def step(x_btd: jax.Array, one_layer: Params) -> tuple[jax.Array, _Recorded]:
        x_btd, routing = layer(x_btd, segment_ids, positions, one_layer)
        squares = jnp.where(real_bt1, jnp.square(x_btd.astype(jnp.float32)), 0).sum()
        return x_btd, _Recorded(squares / x_btd.shape[-1], routing)

    return jax.lax.scan(step, x_btd, blocks)
