"""AdamW against optax's own."""

import jax
import numpy as np
import optax
import pytest

from tanuki_jax.config.experiment import AdamW
from tanuki_jax.config.model import Model
from tanuki_jax.lm.optimizers.make_optimizer import make_optimizer

MODEL = Model(vocabulary=16, width=4, hidden=6, layers=2, heads=1, kv_heads=1)


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_directions_are_those_of_optax_adamw_and_spare_the_norms(decay: float) -> None:
    keys = jax.random.split(jax.random.key(0), 4)
    parameters = {"embedding": jax.random.normal(keys[0], (16, 4)), "norm": jax.random.normal(keys[1], (4,))}
    ours = make_optimizer(AdamW(weight_decay=decay, epsilon=1e-5), MODEL)
    mask = {"embedding": True, "norm": False}
    theirs = optax.adamw(1.0, b1=0.9, b2=0.95, eps=1e-5, weight_decay=decay, mask=mask)
    state, their_state = ours.init(parameters), theirs.init(parameters)
    for key in keys[2:]:
        gradients = jax.tree.map(lambda p, key=key: jax.random.normal(key, p.shape), parameters)
        directions, state = ours.update(gradients, state, parameters)
        expected, their_state = theirs.update(gradients, their_state, parameters)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(-a, b, rtol=1e-5), directions, expected)
