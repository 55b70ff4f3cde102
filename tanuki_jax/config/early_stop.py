"""Early stopping as a config."""

import dataclasses

from tanuki_jax.config.limits import NonNegativeFloat, NonNegativeInt


@dataclasses.dataclass(frozen=True, kw_only=True)
class EarlyStop:
    """End of a run whose held-out loss no longer improves."""

    patience: NonNegativeInt = 0
    """Evaluations in a row without improvement after which the run saves and ends; 0 disables it."""
    metric: str = "held_out/all"
    """Loss that has to improve: held_out/all, or held_out/SOURCE."""
    min_delta: NonNegativeFloat = 0.0
    """Nats by which a loss must be below the best one so far to count as an improvement."""
