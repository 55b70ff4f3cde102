"""AdamW and its learning rate, as functions of the number of accepted steps."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from tanuki_jax.config.experiment import AdamW, Schedule


def make_optimizer(config: AdamW, b_rate: float = 1.0) -> optax.GradientTransformation:
    """Adam's direction plus decoupled weight decay (Loshchilov and Hutter 2019), yet to be scaled by minus the learning rate.

    Clipping and the learning rate are the step's: its state is then Adam's moments and count alone, which a new stage can take over
    while its schedule starts anew.

    Args:
        config: the constants.
        b_rate: what the learning rate of adapters' B is multiplied with.
    """
    return optax.chain(
        optax.scale_by_adam(b1=config.b1, b2=config.b2, eps=config.epsilon),
        optax.add_decayed_weights(config.weight_decay, mask=_decayed),
        *([optax.masked(optax.scale(b_rate), _named("_b"))] if b_rate != 1 else []),
    )


def _decayed(parameters: Any) -> Any:
    """True for every matrix, False for the scales of norms and adapters' magnitudes."""
    return jax.tree_util.tree_map_with_path(lambda path, _: not path[-1].key.endswith(("norm", "_m")), parameters)


def _named(ending: str) -> Callable[[Any], Any]:
    return lambda tree: jax.tree_util.tree_map_with_path(lambda path, _: path[-1].key.endswith(ending), tree)


def learning_rate(schedule: Schedule, steps: int, accepted: jax.Array) -> jax.Array:
    """Learning rate of the update that follows `accepted` accepted steps, float32[].

    Linear from 0 over the warm-up (the first update has 1 / warmup_steps of the peak), the peak for `stable_steps`, then down to
    `final` at `end_step` (or at `steps`) as half a cosine (Loshchilov and Hutter 2017) or a line, and `final` from there on.
    """
    update = accepted.astype(jnp.float32) + 1
    warm = schedule.peak * update / max(schedule.warmup_steps, 1)
    decay_start = schedule.warmup_steps + schedule.stable_steps
    progress = jnp.clip((update - decay_start) / max((schedule.end_step or steps) - decay_start, 1), 0.0, 1.0)
    remaining = (1 + jnp.cos(math.pi * progress)) / 2 if schedule.shape == "cosine" else 1 - progress
    decayed = schedule.final + (schedule.peak - schedule.final) * remaining
    return jnp.where(update <= schedule.warmup_steps, warm, decayed)
