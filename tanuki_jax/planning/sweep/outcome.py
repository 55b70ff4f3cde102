"""Outcome of a trial."""

import dataclasses
from collections.abc import Mapping
from typing import Literal

type Verdict = Literal["done", "does not fit", "failed"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """Verdict and figures of a trial that has ended."""

    verdict: Verdict
    figures: Mapping[str, float | str] = dataclasses.field(default_factory=dict)
    """Figures by name; those of a trial that is done include the sweep's objective."""
    reason: str = ""
    """Reason for a verdict other than `done`."""


def failed(reason: str) -> Outcome:
    """Return the outcome of a failed trial."""
    return Outcome(verdict="failed", reason=reason)
