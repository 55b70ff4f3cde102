"""Search for the layers that left their usual range first."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tanuki_jax.training.explain.probe import Floats
from tanuki_jax.training.explain.replay import Observation
from tanuki_jax.training.guard import DEVIATION

FAR = 6.0
"""Number of robust standard deviations from the steps before at which a value counts as moved."""
LEAST = 0.05
"""Smallest standard deviation of the logarithm of a value that is assumed."""
RECENT = 4
"""Number of steps just before the spike whose median is the usual value; with fewer there is none."""


class Trajectory(NamedTuple):
    """A quantity of each of G groups of parameters at each of N steps."""

    name: str
    groups: Sequence[str]
    steps: Sequence[int]
    ratios_ng: Floats
    """Values over their median in the last steps before the spike."""
    deviations_ng: Floats
    """Distances of the logarithms from that median, in robust standard deviations of their changes from step to step
    before the spike; infinite where a value is not finite."""


class Move(NamedTuple):
    """First step at which a quantity of a group left its usual range."""

    step: int
    group: str
    name: str
    ratio: float
    deviations: float


def trajectories(observations: Sequence[Observation], groups: Sequence[str], first: int) -> list[Trajectory]:
    """Return the trajectory of each quantity; none if too few steps before `first`, the spike's, were measured."""
    layers = [group for group in groups if group.startswith("layer ")]
    quantities = [
        ("activations", layers, [observation.activations_l for observation in observations]),
        ("gradient", groups, [observation.gradients_g for observation in observations]),
    ]
    loads = [observation.load_le.max(1) for observation in observations if observation.load_le is not None]
    if loads:
        quantities.append(("largest load of an expert", layers, loads))
    steps = [observation.step for observation in observations]
    if len(before := _baseline(observations, first)) < RECENT:
        return []
    return [_trajectory(name, names, steps, np.array(values, np.float64), before) for name, names, values in quantities]


def _baseline(observations: Sequence[Observation], first: int) -> list[int]:
    """Return the indices of usual observations: before the spike, finite, not rejected, and trained if those suffice.

    Without training the weights stand still, and values change less from step to step.
    """
    before = [
        index
        for index, each in enumerate(observations)
        if each.step < first and each.accepted is not False and np.isfinite(each.loss)
    ]
    trained = [index for index in before if observations[index].accepted]
    return trained if len(trained) >= RECENT else before


def _trajectory(
    name: str, groups: Sequence[str], steps: Sequence[int], values_ng: Floats, before: Sequence[int]
) -> Trajectory:
    finite_ng = np.isfinite(values_ng)
    logs_ng = np.log(np.maximum(np.where(finite_ng, values_ng, 1.0), 1e-30))
    usual_g = np.median(logs_ng[before[-RECENT:]], axis=0)
    deviation_g = DEVIATION * np.median(np.abs(np.diff(logs_ng[before], axis=0)), axis=0)
    distances_ng = np.where(finite_ng, logs_ng - usual_g, np.inf)
    return Trajectory(name, groups, steps, np.exp(distances_ng), distances_ng / np.maximum(deviation_g, LEAST))


def first_moves(known: Sequence[Trajectory], first: int) -> list[Move]:
    """Return the first move of each quantity of each group from step `first` on, the earliest and furthest first."""
    moves = []
    for trajectory in known:
        for number, group in enumerate(trajectory.groups):
            for index, step in enumerate(trajectory.steps):
                deviations = float(trajectory.deviations_ng[index, number])
                if step >= first and abs(deviations) > FAR:
                    ratio = float(trajectory.ratios_ng[index, number])
                    moves.append(Move(step, group, trajectory.name, ratio, deviations))
                    break
    return sorted(moves, key=lambda move: (move.step, -abs(move.deviations)))
