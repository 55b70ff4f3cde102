"""Table of objectives: an objective is a dataclass of its settings, a file here, and a row."""

from collections.abc import Callable
from typing import Any

from tanuki_jax.config import experiment
from tanuki_jax.config.experiment import NextToken, Preference
from tanuki_jax.lm.objectives.next_token import NextTokenObjective
from tanuki_jax.lm.objectives.objective import Objective
from tanuki_jax.lm.objectives.preference import PreferenceObjective

OBJECTIVES: dict[type, Callable[[Any], Objective]] = {NextToken: NextTokenObjective, Preference: PreferenceObjective}
"""Class of the settings -> class of the objective."""


def make_objective(config: experiment.Objective) -> Objective:
    """Return the objective of some settings."""
    return OBJECTIVES[type(config)](config)
