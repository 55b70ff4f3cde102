"""What a sweep tries: experiments under names, or the values that fields of one experiment take."""

import dataclasses
import itertools
import math
from collections.abc import Mapping
from typing import Annotated, Literal

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.fields import with_field
from tanuki_jax.config.limits import Limits, check_limits
from tanuki_jax.config.serialize import from_json, to_json

type Value = bool | int | float | str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choice:
    """A field that takes one of some values."""

    values: tuple[Value, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Range:
    """A field that takes any number between two."""

    low: Annotated[float, Limits()]
    high: Annotated[float, Limits()]
    log: bool = False
    """Whether a sampler draws the logarithm evenly; low is above 0 then."""
    points: Annotated[int, Limits(at_least=2)] = 5
    """How many of the numbers a grid has, both ends included."""

    def __post_init__(self) -> None:
        check_limits(self, prefix="range.")
        if not self.low < self.high:
            raise InputError(f"range.low ({self.low}) must be below range.high ({self.high})")
        if self.log and self.low <= 0:
            raise InputError(f"range.low is {self.low}, and must be above 0 where range.log is set")

    @property
    def values(self) -> tuple[float, ...]:
        """Those of a grid, to six digits."""
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        inner = (low + (high - low) * place / (self.points - 1) for place in range(1, self.points - 1))
        return (self.low, *(float(f"{math.exp(value) if self.log else value:.6g}") for value in inner), self.high)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trial:
    """One experiment of a sweep, and what others reported of it."""

    name: str
    """Unlike any other trial's of the sweep."""
    experiment: Experiment | str
    """What is tried; or, where that cannot be written down, the sentence why."""
    target: str = ""
    """Cluster to plan for, as in h100:3x8; empty: the command line says."""
    reference: Mapping[str, float | str] = dataclasses.field(default_factory=dict)
    """Figures of others, under the names of ours where they mean the same."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sweep:
    """Trials, and what makes one better than another. Either `trials` or `base` and `axes` are given."""

    name: str
    objective: str
    """Figure that counts: one of a plan, or of the last lines of a run's metrics, as `held_out/all`."""
    direction: Literal["minimize", "maximize"]
    trials: tuple[Trial, ...] = ()
    base: Experiment | None = None
    """Whose fields the axes change."""
    axes: Mapping[str, Choice | Range] = dataclasses.field(default_factory=dict)
    """Field of the experiment, with dots, as `schedule.peak` -> its values."""

    def __post_init__(self) -> None:
        if (self.base is None) != (not self.axes) or (self.trials and self.axes):
            raise InputError(f"the sweep {self.name!r} must have either trials, or a base and axes")
        names = [trial.name for trial in self.trials]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise InputError(f"the sweep {self.name!r} has two trials named {twice[0]!r}")

    def grid(self) -> tuple[Trial, ...]:
        """The trials, or one for every combination of the axes' values. InputError if there is none."""
        points = itertools.product(*(axis.values for axis in self.axes.values()))
        found = self.trials or tuple(self.at(dict(zip(self.axes, point, strict=True))) for point in points if point)
        if not found:
            raise InputError(f"the sweep {self.name!r} has no trials")
        return found

    def at(self, values: Mapping[str, Value]) -> Trial:
        """The trial of those values of the axes. InputError if a field does not exist or is of another type."""
        assert self.base is not None
        name = ", ".join(f"{field.rpartition('.')[2]} {_in_words(value)}" for field, value in values.items())
        return Trial(name=name, experiment=with_fields(self.base, values))


def with_fields(experiment: Experiment, values: Mapping[str, Value]) -> Experiment:
    """The experiment with the values of some fields changed, named with dots. InputError if one does not exist or is of another type."""
    for field, value in values.items():
        experiment = with_field(experiment, field, value)
    try:
        text = to_json(experiment)
    except (AttributeError, TypeError, ValueError):
        raise InputError(
            f"an experiment cannot have {', '.join(f'{field} {value!r}' for field, value in values.items())}"
        ) from None
    return from_json(text, Experiment, "the sweep's experiment")


def _in_words(value: Value) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
