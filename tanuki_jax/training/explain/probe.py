"""Measurements of weights and a batch: activations, routers and gradients by layer, and the loss of every token."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from tanuki_jax.data.batch import Batch
from tanuki_jax.lm.model.experts import Routing
from tanuki_jax.lm.model.remat import Remat
from tanuki_jax.lm.model.transformer import Group, LayerParams, output_matrix
from tanuki_jax.lm.model.weights import Params, flatten
from tanuki_jax.lm.parallel.sharded_cross_entropy import sharded_linear_cross_entropy
from tanuki_jax.training.loss import make_loss, without_router_losses
from tanuki_jax.training.setup import TrainSetup, TrainState

type Floats = npt.NDArray[np.floating[Any]]


class Forward(NamedTuple):
    """Measurements of a batch of N rows, on the host."""

    losses_nt: Floats
    """Negative log-probability of every target, in nats; 0 for padding."""
    activations_l: Floats
    """Root mean square of each layer's output, over the tokens that are not padding."""
    load_le: Floats | None
    """Share of the choices sent to each expert; None for a dense model."""


class Probe:
    """Measures batches [accumulation, rows, T] by the weights of a train state, which it does not change; inside
    `jax.set_mesh`.

    The layout must have neither stages nor a split of the time dim. Nothing is random: adapters drop no inputs,
    embeddings get no noise.
    """

    def __init__(self, setup: TrainSetup) -> None:
        self._forward = jax.jit(_make_forward(setup))
        self._gradient = _make_gradient(setup)
        self._gradient_alone = self._gradient
        if setup.experiment.model.experts:
            self._gradient_alone = _make_gradient(without_router_losses(setup))
        self._squares = jax.jit(functools.partial(_squares_by_group, setup))
        self.groups = groups(setup)

    def forward(self, state: TrainState, batch: Batch[jax.Array]) -> Forward:
        """Return the measurements of the forward pass."""
        losses, squares_al, load_ale, tokens_a = jax.device_get(self._forward(_weights(state), batch))
        share_a = tokens_a / tokens_a.sum()
        load_le = None if load_ale is None else np.tensordot(share_a, load_ale, 1)
        return Forward(losses.reshape(-1, losses.shape[-1]), np.sqrt(squares_al.sum(0) / tokens_a.sum()), load_le)

    def gradient_norms(self, state: TrainState, batch: Batch[jax.Array]) -> Floats:
        """Return the norm of the gradient of the batch's summed loss, for each of `groups`; their squares add up."""
        return self._norms(self._gradient, state, batch)

    def gradient_norm_alone(self, state: TrainState, batch: Batch[jax.Array]) -> float:
        """Return the norm of the gradient of the tokens' summed losses, without losses of routers, which belong to no
        token."""
        return float(np.linalg.norm(self._norms(self._gradient_alone, state, batch)))

    def _norms(self, gradient: "_Gradient", state: TrainState, batch: Batch[jax.Array]) -> Floats:
        numbers = range(batch.tokens.shape[0])
        parts = (gradient(_weights(state), jax.tree.map(lambda x, n=n: x[n], batch)) for n in numbers)
        total = next(parts)
        for part in parts:
            total = jax.tree.map(jnp.add, total, part)
        norms: Floats = np.sqrt(jax.device_get(self._squares(total)))
        return norms


type _Gradient = Callable[[TrainState, Batch[jax.Array]], Params]


def _weights(state: TrainState) -> TrainState:
    """Return the parts of a train state that its loss depends on."""
    return {name: state[name] for name in ("frozen", "parameters") if name in state}


def groups(setup: TrainSetup) -> list[str]:
    """Return names of the groups of parameters whose gradients are measured: each layer, and what is trained before and
    after them."""
    trained = setup.state_shapes["parameters"]
    layers = [f"layer {layer}" for layer in range(setup.experiment.model.layers)]
    return [*_outside(trained, "embedding"), *layers, *_outside(trained, "norm", "output")]


def _squares_by_group(setup: TrainSetup, gradients: Params) -> jax.Array:
    """Return sums of squares, float32[groups], in the order of `groups`."""
    layers = []
    for group in setup.experiment.model.groups:
        arrays = [array.astype(jnp.float32) for _, array in flatten(group.of(gradients))]
        squares = [jnp.square(g).sum(tuple(range(1, g.ndim))) for g in arrays]
        layers.append(functools.reduce(jnp.add, squares, jnp.zeros(group.layers)))

    def outside(*names: str) -> list[jax.Array]:
        trees = [jax.tree.leaves(gradients[name]) for name in _outside(gradients, *names)]
        return [sum((jnp.square(g.astype(jnp.float32)).sum()[None] for g in tree), jnp.zeros(1)) for tree in trees]

    return jnp.concatenate([*outside("embedding"), *layers, *outside("norm", "output")])


def _outside(params: Params, *names: str) -> list[str]:
    """Return the names that are among the parameters."""
    return [name for name in names if name in params]


def _make_gradient(setup: TrainSetup) -> _Gradient:
    """Return the gradient of the summed losses of one micro-batch with respect to what is trained, placed as that
    is."""
    loss_sums = make_loss(setup)

    def total(trained: Params, weights: TrainState, micro: Batch[jax.Array]) -> jax.Array:
        gathered = {name: setup.gather(part) for name, part in (weights | {"parameters": trained}).items()}
        return loss_sums(setup.used_parameters(gathered), micro, setup.objective.step_context(micro)).total

    def gradient(weights: TrainState, micro: Batch[jax.Array]) -> Params:
        found = jax.grad(total)(weights["parameters"], weights, micro)
        gradients: Params = jax.tree.map(lambda g: g.astype(jnp.float32), found)
        return gradients

    jitted: _Gradient = jax.jit(gradient, out_shardings=setup.state_shardings["parameters"])
    return jitted


def _make_forward(setup: TrainSetup) -> Callable[[TrainState, Batch[jax.Array]], Any]:
    """Return a function of weights and a batch of A micro-batches.

    It returns losses [A, B, T], squares of activations [A, L] summed over tokens, loads [A, L, E] and numbers of tokens
    [A].
    """
    experiment = setup.experiment
    cross_entropy = sharded_linear_cross_entropy(setup.mesh, experiment.layout, frozen=experiment.lora.rank > 0)

    def forward(weights: TrainState, batch: Batch[jax.Array]) -> Any:
        used = setup.used_parameters({name: setup.gather(part) for name, part in weights.items()})

        def micro(part: Batch[jax.Array]) -> Any:
            states_btd, recorded = setup.forward(used, part, run_layers=_recording)
            squares_l, routing = cast(_Recorded, recorded)
            low = setup.low_rank_output(used, states_btd)
            logps_bt, _ = cross_entropy(states_btd, output_matrix(used), part.targets, part.loss_weights, low)
            return -logps_bt, squares_l, None if routing is None else routing.load_e, (part.segment_ids != 0).sum()

        return jax.lax.map(micro, batch)

    return forward


class _Recorded(NamedTuple):
    squares_l: jax.Array
    routing: Routing | None


def _recording(
    groups: Sequence[Group], remat: Remat, x_btd: jax.Array, segment_ids: jax.Array, positions: jax.Array
) -> tuple[jax.Array, Any]:
    """Run all layers: a `RunLayers` that returns `_Recorded` in place of the routers' statistics."""
    real_bt1 = segment_ids[..., None] != 0
    squares, routings = [], []
    for group in groups:

        def step(x_btd: jax.Array, params: LayerParams, group: Group = group) -> tuple[jax.Array, _Recorded]:
            x_btd, routing = group.layer(x_btd, segment_ids, positions, params)
            total = jnp.where(real_bt1, jnp.square(x_btd.astype(jnp.float32)), 0).sum()
            return x_btd, _Recorded(total / x_btd.shape[-1], routing)

        x_btd, recorded = jax.lax.scan(step, x_btd, group.params)
        squares.append(recorded.squares_l)
        routings += [recorded.routing] if recorded.routing is not None else []
    routing = jax.tree.map(lambda *parts: jnp.concatenate(parts), *routings) if routings else None
    return x_btd, _Recorded(jnp.concatenate(squares), routing)
