"""Next-token sums against optax on whole logits."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from tanuki_jax.config.experiment import NextToken
from tanuki_jax.data.batch import Batch
from tanuki_jax.lm.kernels.cross_entropy import linear_cross_entropy
from tanuki_jax.lm.objectives.next_token import NextTokenObjective
from tanuki_jax.lm.objectives.objective import StepContext


def test_sums_are_those_of_the_tokens_that_count() -> None:
    keys = jax.random.split(jax.random.key(0), 4)
    states, output = jax.random.normal(keys[0], (2, 5, 8)), jax.random.normal(keys[1], (8, 11))
    targets, weights = (
        jax.random.randint(keys[2], (2, 5), 0, 11),
        jax.random.bernoulli(keys[3], 0.6, (2, 5)).astype(jnp.float32),
    )
    batch = Batch(tokens=targets, targets=targets, loss_weights=weights, segment_ids=targets, positions=targets)
    objective = NextTokenObjective(NextToken(z_loss=0.5))
    sums = jax.jit(objective.sums, static_argnums=3)(states, output, batch, linear_cross_entropy, None, StepContext())
    logits = states @ output
    loss = np.sum(weights * optax.softmax_cross_entropy_with_integer_labels(logits, targets))
    z_loss = np.sum(weights * jax.nn.logsumexp(logits, axis=-1) ** 2)
    np.testing.assert_allclose(sums.parts["loss"], loss, rtol=1e-5)
    np.testing.assert_allclose(sums.parts["z_loss"], z_loss, rtol=1e-5)
    np.testing.assert_allclose(sums.total, loss + 0.5 * z_loss, rtol=1e-5)
    assert sums.weight == np.sum(weights) > 0
    of_tokens = -weights * optax.softmax_cross_entropy_with_integer_labels(logits, targets)
    np.testing.assert_allclose(sums.token_logps, of_tokens, rtol=1e-5, atol=1e-6)
