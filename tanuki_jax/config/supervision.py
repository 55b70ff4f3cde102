"""Supervision of a run: for a process that is stuck, and for hardware that computes wrongly."""

import dataclasses
from typing import Annotated

from tanuki_jax.config.limits import Limits, NonNegativeFloat, NonNegativeInt


@dataclasses.dataclass(frozen=True, kw_only=True)
class Watchdog:
    """Detection of a stuck run: the stack of every thread is written out, and the process exits, to be restarted."""

    multiple: Annotated[float, Limits(above=1, or_equal=0)] = 20.0
    """A step, evaluation or save is stuck after this multiple of its usual time; the first of each has no limit. 0
    disables the watchdog."""
    least_seconds: NonNegativeFloat = 600.0
    """Shortest time after which anything counts as stuck."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Integrity:
    """Checks that the hardware computes correctly."""

    every_steps: NonNegativeInt = 0
    """Steps between two checks, in which a step is computed twice more and must agree bit for bit, and so must all
    replicas of the parameters. 0: no checks."""
