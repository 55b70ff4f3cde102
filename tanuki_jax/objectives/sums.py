"""What every objective returns."""

from typing import NamedTuple

import jax


class Sums(NamedTuple):
    """Sums over the tokens (or pairs) of a micro-batch, never means, so that micro-batches and devices add up exactly."""

    total: jax.Array
    """What is differentiated, float32[]."""
    weight: jax.Array
    """The denominator of `total` and of every part, float32[]."""
    parts: dict[str, jax.Array]
    """Reported sums, by metric name, float32 of any shape."""
