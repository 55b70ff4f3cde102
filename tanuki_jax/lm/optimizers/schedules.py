"""Learning rate as a function of the number of accepted steps."""

import math
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp

from tanuki_jax.config.experiment import Schedule

SHAPES: Mapping[str, Callable[[jax.Array], jax.Array]] = {
    "cosine": lambda progress: (1 + jnp.cos(math.pi * progress)) / 2,  # Loshchilov and Hutter 2017
    "linear": lambda progress: 1 - progress,
}
"""Shape of the decay -> (progress from 0 to 1) -> share of the way from `final` to `peak` that is left."""


def learning_rate(schedule: Schedule, steps: int, accepted: jax.Array) -> jax.Array:
    """Return the learning rate of the update after `accepted` accepted steps, float32[].

    It rises linearly from 0 over the warm-up (the first update has 1 / warmup_steps of the peak), stays at the peak for
    `stable_steps`, falls to `final` at `end_step` (or at `steps`), and stays there.
    """
    update = accepted.astype(jnp.float32) + 1
    warm = schedule.peak * update / max(schedule.warmup_steps, 1)
    decay_start = schedule.warmup_steps + schedule.stable_steps
    progress = jnp.clip((update - decay_start) / max((schedule.end_step or steps) - decay_start, 1), 0.0, 1.0)
    decayed = schedule.final + (schedule.peak - schedule.final) * SHAPES[schedule.shape](progress)
    return jnp.where(update <= schedule.warmup_steps, warm, decayed)
