"""What a spike is: rejected steps that come too close together, or a smoothed loss that stays above its level before.

Pure functions of what every process measures alike, so that all of them, and a run that goes on after a stop, come to the same answer.
"""

import dataclasses

from tanuki_jax.checkpoints.format import Course
from tanuki_jax.config.experiment import Rewind

SMOOTHED = 8
"""Steps in the smoothed loss, about."""
LEVEL = 64
"""Steps that the level takes to follow a smoothed loss up, about; down it follows at once. No loss counts as raised before so many."""
RAISED = 3.0
"""Mean absolute differences between losses and the smoothed loss by which that is above its level. Of independent normal losses these are
eight standard deviations of the smoothed one."""
LEAST_SPREAD = 0.02
"""Nats; no mean absolute difference is taken to be less."""


def follow(course: Course, rewind: Rewind, step: int, loss: float, *, accepted: bool) -> Course:
    """The course after a step, from 1, and its loss."""
    rejected = tuple(each for each in (*course.rejected, *(() if accepted else (step,))) if each > step - rewind.window)
    course = dataclasses.replace(course, rejected=rejected)
    if not accepted:
        return course
    if not course.calm:
        return dataclasses.replace(course, smoothed=loss, level=loss, calm=1)
    smoothed = course.smoothed + (loss - course.smoothed) / min(course.calm + 1, SMOOTHED)
    if course.calm >= LEVEL and smoothed > course.level + RAISED * max(course.spread, LEAST_SPREAD):
        return dataclasses.replace(
            course, smoothed=smoothed, raised_from=course.raised_from or max(1, step - SMOOTHED + 1)
        )
    return dataclasses.replace(
        course,
        smoothed=smoothed,
        level=min(smoothed, course.level + (smoothed - course.level) / LEVEL),
        spread=course.spread + (abs(loss - course.smoothed) - course.spread) / min(course.calm, LEVEL),
        calm=course.calm + 1,
        raised_from=0,
    )


def forget(course: Course) -> Course:
    """The course where another level is to be expected: at the end of the warm-up, at another stage of the mixture."""
    return Course(rejected=course.rejected)


def spike(course: Course, rewind: Rewind, step: int) -> tuple[int, str] | None:
    """The first step of a spike that is recognised at `step`, and what it is in words; None if there is none."""
    if rewind.max_rejected and len(course.rejected) >= rewind.max_rejected:
        first = course.rejected[0]
        return first, f"{len(course.rejected)} of the steps from {first} to {step} were rejected"
    if rewind.raised_steps and course.raised_from and step - course.raised_from + 1 >= rewind.raised_steps:
        since = f"the loss has been above its level of {course.level:.3f} since about step {course.raised_from}"
        return course.raised_from, f"{since}, and is {course.smoothed:.3f}"
    return None
