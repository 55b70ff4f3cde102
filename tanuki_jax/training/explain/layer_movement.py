"""Which layers left their usual course first."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tanuki_jax.training.explain.probe import Floats
from tanuki_jax.training.explain.replay import Observation
from tanuki_jax.training.guard import DEVIATION

FAR = 6.0
"""Robust standard deviations from the steps before at which a value has moved."""
LEAST = 0.05
"""Of the logarithm of a value; no standard deviation is taken to be less."""
RECENT = 4
"""Steps just before the spike whose median is what is usual; without so many nothing is."""


class Course(NamedTuple):
    """A quantity of each of G groups of parameters at each of N steps."""

    name: str
    groups: Sequence[str]
    steps: Sequence[int]
    ratios_ng: Floats
    """Over the median of the last steps before the spike."""
    deviations_ng: Floats
    """From that median, in robust standard deviations of how the logarithm changed from step to step before; infinite where a value is not
    finite."""


class Move(NamedTuple):
    """That a quantity of a group moved for the first time."""

    step: int
    group: str
    name: str
    ratio: float
    deviations: float


def courses(observations: Sequence[Observation], groups: Sequence[str], first: int) -> list[Course]:
    """What is known of each layer, as courses; none if too few steps before `first`, the spike's first, were measured."""
    layers = [group for group in groups if group.startswith("layer ")]
    quantities = [
        ("activations", layers, [observation.activations_l for observation in observations]),
        ("gradient", groups, [observation.gradients_g for observation in observations]),
    ]
    loads = [observation.load_le.max(1) for observation in observations if observation.load_le is not None]
    if loads:
        quantities.append(("largest load of an expert", layers, loads))
    steps = [observation.step for observation in observations]
    if len(before := _usual(observations, first)) < RECENT:
        return []
    return [_course(name, names, steps, np.array(values, np.float64), before) for name, names, values in quantities]


def _usual(observations: Sequence[Observation], first: int) -> list[int]:
    """Which observations tell what is usual: before the spike, finite, not rejected, and of steps that were trained if those are enough.

    Weights that stand still change less from step to step than those that are trained.
    """
    before = [
        at
        for at, each in enumerate(observations)
        if each.step < first and each.accepted is not False and np.isfinite(each.loss)
    ]
    trained = [at for at in before if observations[at].accepted]
    return trained if len(trained) >= RECENT else before


def _course(name: str, groups: Sequence[str], steps: Sequence[int], values_ng: Floats, before: Sequence[int]) -> Course:
    finite_ng = np.isfinite(values_ng)
    logs_ng = np.log(np.maximum(np.where(finite_ng, values_ng, 1.0), 1e-30))
    usual_g = np.median(logs_ng[before[-RECENT:]], axis=0)
    spread_g = DEVIATION * np.median(np.abs(np.diff(logs_ng[before], axis=0)), axis=0)
    distances_ng = np.where(finite_ng, logs_ng - usual_g, np.inf)
    return Course(name, groups, steps, np.exp(distances_ng), distances_ng / np.maximum(spread_g, LEAST))


def first_moves(known: Sequence[Course], first: int) -> list[Move]:
    """The first step from `first` on at which each quantity of each group lies far from what is usual; the earliest and furthest first."""
    moves = []
    for course in known:
        for number, group in enumerate(course.groups):
            for at, step in enumerate(course.steps):
                deviations = float(course.deviations_ng[at, number])
                if step >= first and abs(deviations) > FAR:
                    moves.append(Move(step, group, course.name, float(course.ratios_ng[at, number]), deviations))
                    break
    return sorted(moves, key=lambda move: (move.step, -abs(move.deviations)))
