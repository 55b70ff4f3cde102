"""Change of the learning rate where a run goes on with another schedule, or with more steps."""

import jax.numpy as jnp
import numpy as np

from tanuki_jax.config.experiment import Experiment
from tanuki_jax.lm.optimizers.schedules import learning_rate

NOTED = 0.01
"""Smallest relative change that is worth a word."""


def schedule_change(before: Experiment, now: Experiment, step: int, accepted: int) -> str:
    """Return what happens to the learning rate after `step`, and how to keep the former schedule; empty: nothing.

    Args:
        before: the experiment as it was trained so far.
        now: the experiment with which the run goes on.
        step: number of steps so far.
        accepted: those of them that were accepted, by which the schedule counts.
    """
    updates = jnp.arange(accepted, max(now.steps - step, 1) + accepted)
    rates = [np.asarray(learning_rate(each.schedule, each.steps, updates)) for each in (before, now)]
    other = np.flatnonzero(np.abs(rates[1] - rates[0]) > NOTED * np.maximum(*rates))
    if not other.size:
        return ""
    first = int(other[0])
    said = f"the learning rate after step {step + first} changes from {rates[0][first]:.3g} to {rates[1][first]:.3g}"
    if first:
        said = f"the learning rate will be another after step {step + first}"
    ends = [each.schedule.end_step or each.steps for each in (before, now)]
    reasons = [f"the decay ends at step {ends[1]} instead of {ends[0]}"] if ends[0] != ends[1] else []
    former = vars(before.schedule)
    reasons += [
        f"schedule.{name} is {value} instead of {former[name]}"
        for name, value in vars(now.schedule).items()
        if name != "end_step" and value != former[name]
    ]
    remedy = f"; --schedule.end-step={ends[0]} keeps it" if len(reasons) == 1 and ends[0] != ends[1] else ""
    return f"{said}: {', '.join(reasons)}{remedy}"
