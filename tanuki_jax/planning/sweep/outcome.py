"""What became of a trial."""

import dataclasses
from collections.abc import Mapping
from typing import Literal

type Verdict = Literal["done", "does not fit", "failed"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """The end of a trial."""

    verdict: Verdict
    figures: Mapping[str, float | str] = dataclasses.field(default_factory=dict)
    """What was found, by name; a trial that is done has the sweep's objective among them."""
    reason: str = ""
    """A sentence for all that is not done."""


def failed(reason: str) -> Outcome:
    """A trial of which nothing is known but why."""
    return Outcome(verdict="failed", reason=reason)
