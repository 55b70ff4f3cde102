"""The learning rate against optax's own schedules."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from tanuki_jax.config.experiment import Schedule
from tanuki_jax.lm.optimizers.schedules import learning_rate


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
