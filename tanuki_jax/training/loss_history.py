"""Loss history of a run and its spikes, as a checkpoint's `State.history` keeps them."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from tanuki_jax.checkpoints.format import State
from tanuki_jax.config.serialize import from_json, to_json


@dataclasses.dataclass(frozen=True, kw_only=True)
class LossHistory:
    """Rolling statistics of a run's losses.

    `losses` and `gradient_norms`, by which `guard` judges a step, are those of the last save: a process continues its
    window with them. The rest, by which `spikes` finds a spike, is of the last step.
    """

    losses: tuple[float, ...] = ()
    """Losses of the last accepted steps, oldest first: the guard's window."""
    gradient_norms: tuple[float, ...] = ()
    """Gradient norms of the last accepted steps, oldest first: the guard's window."""
    rejected: tuple[int, ...] = ()
    """Steps that were rejected within the last `rewind.window` steps."""
    smoothed: float = 0.0
    """Mean loss of about the last `spikes.SMOOTHED` accepted steps, exponentially weighted."""
    level: float = 0.0
    """Smoothed loss that follows every fall at once and a rise slowly; constant while the smoothed loss is raised."""
    mean_abs_deviation: float = 0.0
    """Mean absolute difference between a loss and the smoothed one before it, over about `spikes.LEVEL` calm
    steps."""
    calm_steps: int = 0
    """Number of steps so far whose smoothed loss was not raised."""
    raised_since: int = 0
    """First step, roughly, of the present steps in a row whose smoothed loss is raised; 0: there are none."""

    @property
    def first_suspect_step(self) -> int:
        """Return the first step of a spike that may yet be recognised, or 0; a checkpoint before it must stay."""
        return min((*self.rejected[:1], *([self.raised_since] if self.raised_since else [])), default=0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Spike:
    """Steps whose data were left out when the run went back."""

    first: int
    """First step of the spike, from 1."""
    last: int
    """Step at which the spike was recognised."""
    data_steps: tuple[int, ...]
    """Data steps that the steps from `first` to `last` read."""
    checkpoint: int
    """Step of the checkpoint to which the run went back."""
    reason: str
    """Reason, as a clause that begins a message."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunHistory:
    """Everything that `State.history` holds."""

    loss_history: LossHistory = LossHistory()
    spikes: tuple[Spike, ...] = ()
    """All spikes so far, oldest first."""
    slow_until: int = 0
    """Last step with the lower learning rate that follows a spike; 0: none."""


def read_history(state: State) -> RunHistory:
    """Return the history that a checkpoint's state holds; an empty one if the checkpoint was converted.

    InputError if it holds something else.
    """
    return from_json(json.dumps(dict(state.history)), RunHistory, f"the history of the checkpoint of step {state.step}")


def with_history(state: State, history: RunHistory) -> State:
    """Return a checkpoint's state with another history."""
    plain: dict[str, Any] = json.loads(to_json(history))
    return dataclasses.replace(state, history=plain)


def protected_steps(state: State, finished: Sequence[int]) -> set[int]:
    """Return the steps of the checkpoints that a run still needs for its spikes, whatever its settings keep.

    The run needs those to which it went back, from which `explain` replays, and the newest one from before a spike that
    may yet be recognised.

    Args:
        state: of the newest checkpoint.
        finished: steps of all finished checkpoints, ascending.
    """
    history = read_history(state)
    before = [step for step in finished if step < history.loss_history.first_suspect_step]
    return {*(spike.checkpoint for spike in history.spikes), *before[-1:]}
