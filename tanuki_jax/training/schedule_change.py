"""Change of the learning rate where a run goes on with another schedule, or with more steps."""

import jax.numpy as jnp

from tanuki_jax.config.experiment import Experiment
from tanuki_jax.lm.optimizers.schedules import learning_rate

NOTED = 0.01
"""Smallest relative change that is worth a word."""


def schedule_change(before: Experiment, now: Experiment, step: int) -> str:
    """Return what happens to the learning rate after `step`, and how to keep the former schedule; empty: nothing."""
    rates = [float(learning_rate(each.schedule, each.steps, jnp.int32(step))) for each in (before, now)]
    if abs(rates[1] - rates[0]) <= NOTED * max(rates):
        return ""
    said = f"the learning rate after step {step} changes from {rates[0]:.3g} to {rates[1]:.3g}"
    ends = [each.schedule.end_step or each.steps for each in (before, now)]
    if ends[0] == ends[1]:
        return said
    return f"{said}: the decay ends at step {ends[1]} instead of {ends[0]}; --schedule.end-step={ends[0]} keeps it"
