"""What every objective returns, and what it must know of the step beside its micro-batch."""

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


class Whole(NamedTuple):
    """What a micro-batch must know of all that is summed with it."""

    pairs_per_token: jax.Array | None = None
    """Pairs over the tokens of their chosen answers, float32[]; None without pairs."""
    key: jax.Array | None = None
    """Of this micro-batch's random draws; None where nothing is drawn, as in evaluations."""
