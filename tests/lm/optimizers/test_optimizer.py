"""The learning rate and AdamW against optax's own."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tanuki_jax.config.experiment import AdamW, Schedule
from tanuki_jax.lm.optimizers.optimizer import learning_rate, make_optimizer


def rates(schedule: Schedule, steps: int) -> np.ndarray:
    return np.asarray(jax.vmap(lambda accepted: learning_rate(schedule, steps, accepted))(jnp.arange(steps)))


def test_cosine_agrees_with_optax() -> None:
    ours = rates(Schedule(peak=1.0, final=0.1, warmup_steps=10), 50)
    theirs = optax.warmup_cosine_decay_schedule(0.0, 1.0, 10, 50, 0.1)
    np.testing.assert_allclose(ours, jax.vmap(theirs)(jnp.arange(1, 51)), rtol=1e-5)


def test_linear_with_a_plateau_is_warmup_stable_decay() -> None:
    ours = rates(Schedule(peak=2.0, final=0.5, warmup_steps=5, stable_steps=20, shape="linear"), 40)
    parts = [optax.linear_schedule(0.0, 2.0, 5), optax.constant_schedule(2.0), optax.linear_schedule(2.0, 0.5, 15)]
    np.testing.assert_allclose(ours, jax.vmap(optax.join_schedules(parts, [5, 25]))(jnp.arange(1, 41)), rtol=1e-5)


def test_a_decay_may_end_before_or_after_the_run() -> None:
    early = rates(Schedule(peak=1.0, final=0.25, end_step=10), 20)
    np.testing.assert_array_equal(early[9:], 0.25)
    late = rates(Schedule(peak=1.0, final=0.0, end_step=40), 20)
    np.testing.assert_allclose(late[-1], 0.5, rtol=1e-5)


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_directions_are_those_of_optax_adamw_and_spare_the_norms(decay: float) -> None:
    keys = jax.random.split(jax.random.key(0), 4)
    parameters = {"q": jax.random.normal(keys[0], (4, 3)), "norm": jax.random.normal(keys[1], (3,))}
    ours = make_optimizer(AdamW(weight_decay=decay, epsilon=1e-5))
    theirs = optax.adamw(1.0, b1=0.9, b2=0.95, eps=1e-5, weight_decay=decay, mask={"q": True, "norm": False})
    state, their_state = ours.init(parameters), theirs.init(parameters)
    for key in keys[2:]:
        gradients = jax.tree.map(lambda p, key=key: jax.random.normal(key, p.shape), parameters)
        directions, state = ours.update(gradients, state, parameters)
        expected, their_state = theirs.update(gradients, their_state, parameters)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(-a, b, rtol=1e-5), directions, expected)


def test_the_rate_of_an_adapters_b_is_a_multiple() -> None:
    """LoRA+ (Hayou et al. 2024), weight decay included."""
    parameters = {
        name: jax.random.normal(jax.random.key(key), (4, 3)) for key, name in enumerate(("q_a", "q_b", "q_m"))
    }
    gradients = jax.tree.map(jnp.cos, parameters)
    directions = []
    for rate in (1.0, 4.0):
        optimizer = make_optimizer(AdamW(weight_decay=0.1), rate)
        directions.append(optimizer.update(gradients, optimizer.init(parameters), parameters)[0])
    for name, plain in directions[0].items():
        np.testing.assert_allclose(directions[1][name], plain * (4.0 if name == "q_b" else 1.0), rtol=1e-6)
