"""Trials of a sweep: named experiments, or the values that fields of one experiment take."""

import dataclasses
import itertools
import math
from collections.abc import Mapping
from typing import Annotated, Literal

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.fields import with_field
from tanuki_jax.config.limits import Limits, check_fields, check_tuples

type Value = bool | int | float | str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choice:
    """A field that takes one of several values."""

    values: tuple[Value, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Range:
    """A field that takes any number between two."""

    low: Annotated[float, Limits()]
    high: Annotated[float, Limits()]
    log: bool = False
    """Whether samplers draw the logarithm uniformly, and a grid spaces it evenly; `low` must be above 0 then."""
    points: Annotated[int, Limits(at_least=2)] = 5
    """Numbers in a grid, both ends included."""

    def __post_init__(self) -> None:
        check_fields(self, prefix="range.")
        if not self.low < self.high:
            raise InputError(f"range.low ({self.low}) must be below range.high ({self.high})")
        if self.log and self.low <= 0:
            raise InputError(f"range.low is {self.low}, and must be above 0 where range.log is set")

    @property
    def values(self) -> tuple[float, ...]:
        """Return the numbers of a grid, inner ones to six digits."""
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        inner = (low + (high - low) * index / (self.points - 1) for index in range(1, self.points - 1))
        return (self.low, *(float(f"{math.exp(value) if self.log else value:.6g}") for value in inner), self.high)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trial:
    """One experiment of a sweep, and published figures about it."""

    name: str
    """Name, unique in the sweep."""
    experiment: Experiment | str
    """Experiment to try, or the reason why it cannot be expressed."""
    target: str = ""
    """Cluster to plan for, as in h100:3x8; empty: the command line's."""
    reference: Mapping[str, float | str] = dataclasses.field(default_factory=dict)
    """Published figures; where they mean the same as ours, they have the same names."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sweep:
    """Trials, and the figure by which they are compared. Either `trials`, or `base` and `axes` are set."""

    name: str
    objective: str
    """Figure to compare: one of a plan, or of the last lines of a run's metrics, as in `held_out/all`."""
    direction: Literal["minimize", "maximize"]
    trials: tuple[Trial, ...] = ()
    base: Experiment | None = None
    """Experiment whose fields the axes change."""
    axes: Mapping[str, Choice | Range] = dataclasses.field(default_factory=dict)
    """Dotted field of the experiment, as in `schedule.peak` -> its values."""

    def __post_init__(self) -> None:
        check_tuples(self)
        if (self.base is None) != (not self.axes) or (self.trials and self.axes):
            raise InputError(f"the sweep {self.name!r} must have either trials, or a base and axes")
        names = [trial.name for trial in self.trials]
        if duplicates := sorted({name for name in names if names.count(name) > 1}):
            raise InputError(f"the sweep {self.name!r} has two trials named {duplicates[0]!r}")

    def grid(self) -> tuple[Trial, ...]:
        """Return the trials, or one for each combination of the axes' values. InputError if there are none."""
        points = itertools.product(*(axis.values for axis in self.axes.values()))
        trials = self.trials or tuple(self.at(dict(zip(self.axes, point, strict=True))) for point in points if point)
        if not trials:
            raise InputError(f"the sweep {self.name!r} has no trials")
        return trials

    def at(self, values: Mapping[str, Value]) -> Trial:
        """Return the trial with these values of the axes. InputError if a field does not exist or is of another
        type."""
        assert self.base is not None
        name = ", ".join(f"{field.rpartition('.')[2]} {_format(value)}" for field, value in values.items())
        return Trial(name=name, experiment=with_fields(self.base, values))


def with_fields(experiment: Experiment, values: Mapping[str, Value]) -> Experiment:
    """Return the experiment with other values in fields that are named with dots.

    InputError if a field does not exist, or the value is of another type or outside the field's limits.
    """
    for field, value in values.items():
        experiment = with_field(experiment, field, value)
    check_fields(experiment)
    return experiment


def _format(value: Value) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
