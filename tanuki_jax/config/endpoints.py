"""Model endpoints with OpenAI's protocol, and how long and how often a request to them is tried."""

import dataclasses
import urllib.parse
from typing import Annotated

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.limits import Limits, NonNegativeFloat, PositiveFloat, PositiveInt, check_fields


@dataclasses.dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A server that answers requests for one model."""

    url: str
    """Base address, http or https, with or without /v1 at its end."""
    model: str = ""
    """Name of the model; empty: the only one that GET /v1/models lists."""
    key_variable: str = ""
    """Environment variable that holds the API key; empty: the server wants none."""
    weight: PositiveFloat = 1.0
    """Share of the requests, relative to the weights of the other endpoints."""
    concurrency: PositiveInt = 64
    """Most requests in flight; fewer are sent while the server answers that it is overloaded."""
    input_price: NonNegativeFloat = 0.0
    """Price of a million input tokens."""
    output_price: NonNegativeFloat = 0.0
    """Price of a million output tokens."""

    def __post_init__(self) -> None:
        check_fields(self, prefix="endpoint.")
        try:
            parts = urllib.parse.urlsplit(self.url)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
            (parts.hostname or "").encode("idna")
        except ValueError:  # brackets without their pair, a port that is no number, a name with a part too long
            usable = False
        if usable and (parts.username is not None or parts.password is not None):
            # The value is not quoted: it has a password.
            raise InputError("the address has a user name or password; name the variable of a key instead")
        if not usable or parts.query or parts.fragment or not self.url.isprintable() or " " in self.url:
            raise InputError(f"{self.url!r:.80} is no address such as http://localhost:8000/v1")

    @property
    def base(self) -> str:
        """Return the address with /v1 at its end."""
        url = self.url.rstrip("/")
        return url if url.endswith("/v1") else f"{url}/v1"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Requests:
    """Limits of time and of failures for all requests of a run."""

    attempt_seconds: PositiveFloat = 300.0
    """Seconds after which an attempt without a complete answer is given up."""
    deadline_seconds: PositiveFloat = 3600.0
    """Seconds after which a request fails, with all its attempts and waits."""
    tries: PositiveInt = 5
    """Most attempts of a request; one that was answered with 429, or that reached no server, does not count."""
    failure_share: Annotated[float, Limits(at_least=0, at_most=1)] = 0.2
    """Share of failures among the finished requests above which the run stops; 1: it never does."""
    failure_least: PositiveInt = 100
    """Number of finished requests before the share of failures is judged."""
    stalled_seconds: PositiveFloat = 900.0
    """Seconds after which the run stops if requests are being sent and none has finished."""
    unreachable_seconds: PositiveFloat = 300.0
    """Seconds after which the run stops if no endpoint has shown yet that a server is there; a busy one has."""

    def __post_init__(self) -> None:
        check_fields(self, prefix="requests.")
        for name in ("deadline_seconds", "stalled_seconds"):
            if getattr(self, name) < self.attempt_seconds:
                raise InputError(
                    f"requests.{name} ({getattr(self, name):g}) must not be below requests.attempt_seconds "
                    f"({self.attempt_seconds:g}): one slow attempt would exceed it"
                )
