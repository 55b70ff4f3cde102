"""Muon: matrices are orthogonalised one by one as by optax's own Muon; all other parameters are Adam's."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tanuki_jax.config.model import Model
from tanuki_jax.config.muon import Muon
from tanuki_jax.lm.model.transformer import initialise
from tanuki_jax.lm.model.weights import flatten, weights
from tanuki_jax.lm.optimizers.make_optimizer import make_optimizer

pytestmark = pytest.mark.thorough

MODEL = Model(vocabulary=24, width=16, hidden=24, layers=2, heads=4, kv_heads=2, experts=3, initial_std=0.2)


def directions_of(config: Muon) -> tuple[dict[str, jax.Array], dict[str, jax.Array]]:
    """Return gradients and the second direction, by path."""
    parameters = initialise(MODEL, jax.random.key(0))
    gradients = jax.tree.map(jnp.sin, parameters)
    optimizer = make_optimizer(config, MODEL)
    _, state = optimizer.update(gradients, optimizer.init(parameters), parameters)
    directions, _ = optimizer.update(gradients, state, parameters)
    return dict(flatten(gradients)), dict(flatten(directions))


def test_each_matrix_is_the_one_that_optax_gives_it_alone() -> None:
    config = Muon(weight_decay=0.0)
    gradients, directions = directions_of(config)
    rows = weights(MODEL)
    for path, index in (("blocks.q", (1,)), ("blocks.o", (0,)), ("blocks.expert_down", (1, 2))):
        inputs = int(np.prod(rows[path].input_shape))
        matrix = {"w": gradients[path][index].reshape(inputs, -1)}
        dims = {"w": optax.contrib.MuonDimensionNumbers()}
        alone = optax.contrib.scale_by_muon(ns_steps=5, beta=0.95, weight_dimension_numbers=dims)
        _, state = alone.update(matrix, alone.init(matrix), matrix)
        expected, _ = alone.update(matrix, state, matrix)
        scale = 0.2 * max(matrix["w"].shape) ** 0.5
        found = directions[path][index].reshape(inputs, -1)
        np.testing.assert_allclose(found, scale * expected["w"], rtol=1e-4, atol=1e-5, err_msg=path)


def test_directions_have_the_size_of_those_of_adamw() -> None:
    _, directions = directions_of(Muon(weight_decay=0.0))
    for path in ("blocks.q", "blocks.o", "blocks.expert_up"):
        assert 0.1 < float(jnp.sqrt(jnp.mean(jnp.square(directions[path])))) < 0.3, path


def test_embedding_norms_and_routers_are_adams() -> None:
    gradients, directions = directions_of(Muon(weight_decay=0.0))
    adam = optax.scale_by_adam(b1=0.9, b2=0.95, eps=1e-8)
    for path in ("embedding", "output", "norm", "blocks.mlp_norm", "blocks.router"):
        _, state = adam.update(gradients[path], adam.init(gradients[path]))
        expected, _ = adam.update(gradients[path], state)
        np.testing.assert_allclose(directions[path], expected, rtol=1e-5, atol=1e-6, err_msg=path)
