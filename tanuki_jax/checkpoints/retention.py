"""Which checkpoints of a run stay."""

import math
from collections.abc import Collection
from pathlib import Path

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.format import State, read_state, step_folder, steps
from tanuki_jax.config.experiment import Checkpoints

HELD_OUT = "held_out/all"


def outdated(checkpoints: Path, settings: Checkpoints, state: State) -> list[int]:
    """Steps of the finished checkpoints that have had their time, ascending.

    The newest `keep` stay, the multiples of `keep_every_steps`, with `keep_best` the one with the lowest held-out loss, those to which
    the run went back after a spike, which are needed to explain it, and the newest one from before a spike that is yet to be recognised.

    Args:
        checkpoints: their folder.
        settings: of the run.
        state: of the newest one.
    """
    found = steps(checkpoints)
    stay = {*found[-settings.keep :], *(spike.checkpoint for spike in state.spikes)}
    if settings.keep_every_steps:
        stay.update(step for step in found if step % settings.keep_every_steps == 0)
    if settings.keep_best and (losses := _held_out_losses(checkpoints, found)):
        stay.add(min(losses, key=lambda step: losses[step]))
    if begins := state.course.begins:
        stay.update([step for step in found if step < begins][-1:])
    return [step for step in found if step not in stay]


def _held_out_losses(checkpoints: Path, found: Collection[int]) -> dict[int, float]:
    """Of the checkpoints that have one, and whose state can be read."""
    losses = {}
    for step in found:
        try:
            loss = read_state(step_folder(checkpoints, step)).held_out.get(HELD_OUT, math.nan)
        except InputError:
            continue
        if math.isfinite(loss):
            losses[step] = loss
    return losses
