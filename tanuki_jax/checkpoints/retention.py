"""Retention: which checkpoints of a run stay."""

import math
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.format import State, read_state, step_folder, steps
from tanuki_jax.config.experiment import Checkpoints

type Protect = Callable[[State, Sequence[int]], Collection[int]]
"""(state of the newest checkpoint, steps of all finished ones, ascending) -> steps of those that the run needs."""


def outdated(
    checkpoints: Path, settings: Checkpoints, *, best_metric: str = "", protected: Collection[int] = ()
) -> list[int]:
    """Return the steps of the finished checkpoints that may be removed, ascending.

    The newest `keep` stay, the multiples of `keep_every_steps`, with `keep_best` the one with the lowest metric, and
    the protected ones.

    Args:
        checkpoints: their folder.
        settings: of the run.
        best_metric: name in `State.held_out` of the metric that is lowest in the best checkpoint; empty: none is the
            best.
        protected: steps of checkpoints that stay whatever the settings say.
    """
    finished = steps(checkpoints)
    stay = {*finished[-settings.keep :], *protected}
    if settings.keep_every_steps:
        stay.update(step for step in finished if step % settings.keep_every_steps == 0)
    if settings.keep_best and (values := _values(checkpoints, finished, best_metric)):
        stay.add(min(values, key=lambda step: values[step]))
    return [step for step in finished if step not in stay]


def _values(checkpoints: Path, finished: Collection[int], metric: str) -> dict[int, float]:
    """Return the metric of every checkpoint that has a finite one and whose state can be read."""
    values = {}
    for step in finished:
        try:
            value = read_state(step_folder(checkpoints, step)).held_out.get(metric, math.nan)
        except InputError:
            continue
        if math.isfinite(value):
            values[step] = value
    return values
