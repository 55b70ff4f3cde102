"""Rules for spikes: rejected steps that come too close together, or a smoothed loss that stays above its earlier level.

Pure functions of what every process measures alike, so that all processes, and a run that goes on after a stop, come to
the same answer.
"""

import dataclasses

from tanuki_jax.config.experiment import Rewind
from tanuki_jax.training.loss_history import LossHistory

SMOOTHED = 8
"""Number of steps, roughly, over which the smoothed loss is taken."""
LEVEL = 64
"""Number of steps, roughly, that the level takes to follow the smoothed loss up; down it follows at once. No loss
counts as raised before so many steps."""
RAISED = 3.0
"""Mean absolute differences between losses and the smoothed loss by which the smoothed loss must exceed its level to
count as raised. For independent normal losses these are eight standard deviations of the smoothed loss."""
LEAST_DEVIATION = 0.02
"""Smallest mean absolute difference that is assumed, in nats."""


def follow(history: LossHistory, rewind: Rewind, step: int, loss: float, *, accepted: bool) -> LossHistory:
    """Return the history after a step, from 1, with its loss."""
    rejected = tuple(
        each for each in (*history.rejected, *(() if accepted else (step,))) if each > step - rewind.window
    )
    history = dataclasses.replace(history, rejected=rejected)
    if not accepted:
        return history  # the weights did not change, so the loss says nothing about where the run stands
    if not history.calm_steps:
        return dataclasses.replace(history, smoothed=loss, level=loss, calm_steps=1)
    # Exponential means that begin as plain means of the first steps: the divisor grows to its final value.
    smoothed = history.smoothed + (loss - history.smoothed) / min(history.calm_steps + 1, SMOOTHED)
    threshold = history.level + RAISED * max(history.mean_abs_deviation, LEAST_DEVIATION)
    if history.calm_steps >= LEVEL and smoothed > threshold:
        # The level, and what counts as a usual difference, stay as they were before the loss rose: if they followed it,
        # a loss that stays high would soon look usual. The smoothed loss lags by about SMOOTHED steps, so the rise
        # began that much earlier.
        raised_since = history.raised_since or max(1, step - SMOOTHED + 1)
        return dataclasses.replace(history, smoothed=smoothed, raised_since=raised_since)
    difference = abs(loss - history.smoothed)
    return dataclasses.replace(
        history,
        smoothed=smoothed,
        level=min(smoothed, history.level + (smoothed - history.level) / LEVEL),
        mean_abs_deviation=history.mean_abs_deviation
        + (difference - history.mean_abs_deviation) / min(history.calm_steps, LEVEL),
        calm_steps=history.calm_steps + 1,
        raised_since=0,
    )


def reset(history: LossHistory) -> LossHistory:
    """Return the history where another level is expected: during the warm-up, at another stage of the mixture."""
    return LossHistory(rejected=history.rejected)


def find_spike(history: LossHistory, rewind: Rewind, step: int) -> tuple[int, str] | None:
    """Return the first step of a spike that is recognised at `step`, and the reason in words; None without one."""
    if rewind.max_rejected and len(history.rejected) >= rewind.max_rejected:
        first = history.rejected[0]
        return first, f"{len(history.rejected)} of the steps from {first} to {step} were rejected"
    if rewind.raised_steps and history.raised_since and step - history.raised_since + 1 >= rewind.raised_steps:
        since = f"the loss has been above its level of {history.level:.3f} since about step {history.raised_since}"
        return history.raised_since, f"{since}, and is {history.smoothed:.3f}"
    return None
