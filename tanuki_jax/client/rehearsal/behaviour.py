"""The behaviour of a mock endpoint: its models, its speed and its faults."""

import dataclasses
from typing import Annotated

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.limits import Limits, NonNegativeFloat, Seed, check_fields

FaultShare = Annotated[float, Limits(at_least=0, at_most=1)]
Period = tuple[NonNegativeFloat, NonNegativeFloat]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Behaviour:
    """A mock endpoint: models, speed, faults by chance, and faults for a period."""

    models: tuple[str, ...] = ("rehearsal",)
    """Names of the models; all write the same texts."""
    key_variable: str = ""
    """Environment variable of the API key that requests must carry; empty: none."""
    seed: Seed = 0
    """Seed of the faults; texts depend on the request alone."""
    latency: NonNegativeFloat = 0.0
    """Seconds before an answer begins."""
    tokens_per_second: NonNegativeFloat = 0.0
    """Speed of a stream; 0: all tokens at once."""
    unavailable: FaultShare = 0.0
    """Share of requests that are answered with 503."""
    rate_limited: FaultShare = 0.0
    """Share of requests that are answered with 429 and Retry-After, as seconds or as a date."""
    retry_after: NonNegativeFloat = 1.0
    """Seconds that Retry-After asks for, rounded up."""
    broken_json: FaultShare = 0.0
    """Share of requests that are answered with 200 and half of the JSON."""
    stalled: FaultShare = 0.0
    """Share of requests that are never answered."""
    cut: FaultShare = 0.0
    """Share of answers and streams that end in their middle, with the connection or, half of the streams, without."""
    reset: FaultShare = 0.0
    """Share of requests whose connection is reset."""
    down_between: Period = (0.0, 0.0)
    """Seconds after the start from which, and until which, no connection is accepted and none is kept."""
    rate_limited_between: Period = (0.0, 0.0)
    """Seconds after the start from which, and until which, every request is answered with 429."""

    def __post_init__(self) -> None:
        check_fields(self, lambda path: f"--{path.replace('_', '-')}")
        if not self.models:
            raise InputError("--models is empty; name at least one")
        if (total := sum(self.shares.values())) > 1 + 1e-9:
            raise InputError(f"the shares of faults add up to {total:g}, and must not exceed 1")
        for name in ("down_between", "rate_limited_between"):
            start, end = getattr(self, name)
            if end < start:
                raise InputError(f"--{name.replace('_', '-')} is {start:g} {end:g}, and must end after its start")

    @property
    def shares(self) -> dict[str, float]:
        """Return fault -> share of the requests that it hits."""
        names = ("unavailable", "rate_limited", "broken_json", "stalled", "cut", "reset")
        return {name: getattr(self, name) for name in names}
