"""Linear + cross-entropy against optax on whole logits."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tanuki_jax.kernels import cross_entropy
from tanuki_jax.kernels.cross_entropy import linear_cross_entropy


@pytest.mark.parametrize(("time", "vocabulary"), [(1, 7), (8, 128), (21, 131)])
def test_values_and_gradients_equal_those_from_whole_logits(time: int, vocabulary: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cross_entropy, "TIME", 8)
    keys = jax.random.split(jax.random.key(0), 4)
    states, output = jax.random.normal(keys[0], (3, time, 16)), jax.random.normal(keys[1], (16, vocabulary))
    targets, weights = jax.random.randint(keys[2], (3, time), 0, vocabulary), jax.random.uniform(keys[3], (3, time))

    def ours(states: jax.Array, output: jax.Array) -> jax.Array:
        logps, log_z = linear_cross_entropy(states, output, targets)
        return jnp.sum(weights * (0.1 * log_z**2 - logps))

    def theirs(states: jax.Array, output: jax.Array) -> jax.Array:
        logits = states @ output
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, targets)
        return jnp.sum(weights * (0.1 * jax.nn.logsumexp(logits, axis=-1) ** 2 + losses))

    (a, a_gradients), (b, b_gradients) = (jax.jit(jax.value_and_grad(f, argnums=(0, 1)))(states, output) for f in (ours, theirs))
    np.testing.assert_allclose(a, b, rtol=1e-6)
    for x, y in zip(a_gradients, b_gradients, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5)


def test_bfloat16_states_are_summed_in_float32() -> None:
    states = jnp.ones((1, 1, 4096), jnp.bfloat16)
    output = jnp.stack([jnp.full((4096,), 1 / 4096), jnp.zeros((4096,))], axis=1)
    logps, log_z = linear_cross_entropy(states, output, jnp.zeros((1, 1), jnp.int32))
    assert logps.dtype == log_z.dtype == jnp.float32
    np.testing.assert_allclose(log_z, np.log(np.e + 1), rtol=1e-6)
    np.testing.assert_allclose(logps, 1 - np.log(np.e + 1), rtol=1e-6)
