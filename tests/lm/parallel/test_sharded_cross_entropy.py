"""Linear + cross-entropy on a mesh against one device."""

import functools
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding

from tanuki_jax.config.experiment import Layout
from tanuki_jax.lm.kernels.cross_entropy import BlockSizes, LinearCrossEntropy, LowRank, linear_cross_entropy
from tanuki_jax.lm.model.weights import Weight
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.lm.parallel.sharded_cross_entropy import sharded_linear_cross_entropy
from tanuki_jax.lm.parallel.sharding import ACTIVATIONS, BATCH, stored_spec

pytestmark = pytest.mark.thorough

ROWS, TIME, WIDTH, VOCABULARY = 8, 12, 16, 8 * 13

LAYOUTS = {
    "data 8": Layout(data=8),
    "tensor 8": Layout(data=1, tensor=8),
    "data 2 x fsdp 2 x tensor 2": Layout(data=2, fsdp=2, tensor=2),
}

OUTPUT = stored_spec(Weight(dims="d v", shape=(), inputs=1))


SMALL = BlockSizes(block=8, tail=4, columns=24, alignment=4)


def results(
    cross_entropy: LinearCrossEntropy, states: jax.Array, output: jax.Array, targets: jax.Array, weights: jax.Array
) -> tuple[jax.Array, ...]:
    def total(states: jax.Array, output: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        logps, log_z = cross_entropy(states, output, targets, weights)
        return jnp.sum(weights * (0.1 * log_z**2 - jnp.sin(logps))), (logps, log_z)

    gradients, values = jax.grad(total, argnums=(0, 1), has_aux=True)(states, output)
    return *values, *gradients


def inputs() -> tuple[jax.Array, ...]:
    """Make rows with different numbers of tokens that count, zero in the first."""
    keys = jax.random.split(jax.random.key(0), 4)
    states, output = jax.random.normal(keys[0], (ROWS, TIME, WIDTH)), jax.random.normal(keys[1], (WIDTH, VOCABULARY))
    targets = jax.random.randint(keys[2], (ROWS, TIME), 0, VOCABULARY)
    counted = jnp.arange(TIME) < jnp.arange(ROWS)[:, None] * 1.5
    return states, output, targets, counted * jax.random.uniform(keys[3], (ROWS, TIME), minval=0.5)


def placed(mesh: Mesh, arrays: tuple[jax.Array, ...]) -> list[jax.Array]:
    specs = (ACTIVATIONS["states"], OUTPUT, *[jax.sharding.PartitionSpec(*BATCH[1:])] * 2)
    return [jax.device_put(x, NamedSharding(mesh, spec)) for x, spec in zip(arrays, specs, strict=True)]


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_mesh_has_the_values_and_gradients_of_one_device(name: str) -> None:
    mesh = make_mesh(LAYOUTS[name])
    alone = jax.jit(results, static_argnums=0)(functools.partial(linear_cross_entropy, sizes=SMALL), *inputs())
    split = jax.jit(results, static_argnums=0)(
        sharded_linear_cross_entropy(mesh, Layout(), sizes=SMALL), *placed(mesh, inputs())
    )
    for a, b in zip(alone, split, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    assert split[3].sharding.is_equivalent_to(NamedSharding(mesh, OUTPUT), 2)


@pytest.mark.parametrize("zero", [1, 3])
def test_an_adapter_of_the_output_matrix_is_the_same_on_a_mesh(zero: Literal[1, 3]) -> None:
    mesh = make_mesh(LAYOUTS["data 2 x fsdp 2 x tensor 2"])
    states, output, targets, weights = inputs()
    keys = jax.random.split(jax.random.key(1))
    a, b = jax.random.normal(keys[0], (WIDTH, 3)), jax.random.normal(keys[1], (3, VOCABULARY))

    def trained(
        cross_entropy: Any, states: jax.Array, output: jax.Array, targets: jax.Array, weights: jax.Array
    ) -> Any:
        def total(states: jax.Array, a: jax.Array, b: jax.Array) -> jax.Array:
            logps, log_z = cross_entropy(states, output, targets, weights, low=LowRank(states @ a, b))
            return jnp.sum(weights * (0.1 * log_z**2 - jnp.sin(logps)))

        return jax.value_and_grad(total, (0, 1, 2))(states, a, b)

    alone = jax.jit(trained, static_argnums=0)(
        functools.partial(linear_cross_entropy, sizes=SMALL, frozen=True), states, output, targets, weights
    )
    split = jax.jit(trained, static_argnums=0)(
        sharded_linear_cross_entropy(mesh, Layout(zero=zero), sizes=SMALL, frozen=True),
        *placed(mesh, (states, output, targets, weights)),
    )
    jax.tree.map(lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4), alone, split)


def test_what_one_device_computes_does_not_depend_on_the_tokens_of_another() -> None:
    mesh = make_mesh(Layout(data=8))
    states, output, targets, weights = inputs()
    silent = jnp.where(jnp.arange(ROWS)[:, None] == 5, weights, 0)
    split = jax.jit(results, static_argnums=0)
    full = split(
        sharded_linear_cross_entropy(mesh, Layout(), sizes=SMALL), *placed(mesh, (states, output, targets, weights))
    )
    only = split(
        sharded_linear_cross_entropy(mesh, Layout(), sizes=SMALL),
        *placed(mesh, (states.at[:5].set(jnp.nan), output, targets, silent)),
    )
    for a, b in zip(full[:3], only[:3], strict=True):
        np.testing.assert_array_equal(a[5], b[5])
        np.testing.assert_array_equal(np.delete(b, 5, axis=0), 0)
    assert np.isfinite(only[3]).all()
