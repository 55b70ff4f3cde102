"""The choice of an endpoint for each attempt: by weight, free capacity and health."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import logging
import math
import os
import random
from collections.abc import Sequence

from tanuki_jax.base.errors import InputError
from tanuki_jax.client import outcomes
from tanuki_jax.client.attempt import Unusable
from tanuki_jax.client.concurrency import Concurrency
from tanuki_jax.client.health import FIRST_WAIT, Health
from tanuki_jax.client.outcomes import Outcome
from tanuki_jax.client.totals import Totals
from tanuki_jax.config.endpoints import Endpoint

RESOLUTION = 1e-3
"""Seconds by which the event loop may call early."""

_log = logging.getLogger(__name__)


class LiveEndpoint:
    """An endpoint with its state. Its key is kept out of every message, and of its repr."""

    def __init__(self, endpoint: Endpoint, first_probe: float) -> None:
        self.endpoint, self.url, self.model = endpoint, endpoint.base, endpoint.model
        self.key = _key(endpoint)
        self.concurrency = Concurrency(endpoint.concurrency)
        self.health = Health(first_wait=first_probe)
        self.totals = Totals()
        self.in_flight = 0
        self.latest = "no answer yet"
        """The end of the latest attempt in words."""
        self.models_lock = asyncio.Lock()
        """Held while the endpoint is asked for its models."""
        self.models_failure: Unusable | None = None
        """The latest failure to list the models; it ended at `models_failed`."""
        self.models_failed = 0.0

    def free(self, now: float) -> float:
        """Return the share of the requests at a time that is free; 0: none can be sent now."""
        if not self.health.allows(now):
            return 0.0
        if self.health.down_until is not None:
            return 1.0
        return max(0, int(self.concurrency.limit) - self.in_flight) / int(self.concurrency.limit)

    def describe(self) -> str:
        """Return the latest answer and the state in words."""
        if self.health.down_until is not None:
            return f"{self.url} {self.latest}; it is left alone but for one request now and then"
        return f"{self.url} {self.latest}; {self.in_flight} in flight of at most {int(self.concurrency.limit)}"


@dataclasses.dataclass(eq=False)
class Ticket:
    """A request, as the choice of an endpoint sees it."""

    failures: collections.Counter[LiveEndpoint] = dataclasses.field(default_factory=collections.Counter)
    """Number of failed attempts at each endpoint."""
    not_before: dict[LiveEndpoint, float] = dataclasses.field(default_factory=dict)
    """Time before which an endpoint must not get the request again; infinity: never."""


@dataclasses.dataclass(frozen=True)
class Lease:
    """The right to send one request to an endpoint."""

    live: LiveEndpoint
    probe: bool
    """Whether the endpoint is left alone, and this request finds out whether it answers again."""


class EndpointPool:
    """Endpoints, and the requests that wait for one of them, in order."""

    def __init__(
        self, endpoints: Sequence[Endpoint], generator: random.Random, first_probe: float = FIRST_WAIT
    ) -> None:
        """Read the keys from their environment variables.

        Args:
            endpoints: at least one.
            generator: source of the choice among equals.
            first_probe: seconds that an endpoint is left alone for at first when it fails.
        """
        self.live = [LiveEndpoint(endpoint, first_probe) for endpoint in endpoints]
        self._generator = generator
        self._waiting: dict[Ticket, asyncio.Future[Lease]] = {}

    async def acquire(self, ticket: Ticket) -> Lease:
        """Wait for an endpoint that may be sent the request.

        Among those that can take it, an endpoint where it has failed less often is preferred; among equals, chance
        decides, by weight times free share.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Lease] = loop.create_future()
        self._waiting[ticket] = future
        for moment in ticket.not_before.values():
            if loop.time() < moment < math.inf:
                loop.call_at(moment, self._serve)
        self._serve()
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.abandon(future.result())
            raise
        finally:
            self._waiting.pop(ticket, None)

    def release(self, lease: Lease, outcome: Outcome, message: str) -> None:
        """Note how the request of a lease ended, and serve the requests that wait.

        Args:
            lease: ends with this call.
            outcome: row of the table.
            message: the outcome in words.
        """
        live, now = lease.live, asyncio.get_running_loop().time()
        live.in_flight -= 1
        live.totals.outcomes[outcome.kind] += 1
        live.latest = message
        live.concurrency.answered(overloaded=outcome.overloaded)
        if not outcome.unhealthy:
            if live.health.answered():
                live.concurrency.reset()
                _log.warning("%s answers again", live.url)
        else:
            wait = live.health.wait
            if live.health.failed(now, probe=lease.probe):
                _log.warning("%s %s; it is left alone for %g s", live.url, message, wait)
                asyncio.get_running_loop().call_later(wait, self._serve)
        self._serve()

    def unreachable(self) -> list[str]:
        """Return each endpoint's latest outcome in words, if none has shown so far that a server is there; else
        nothing."""
        kinds = [{kind for kind, count in live.totals.outcomes.items() if count} for live in self.live]
        unreached = all(found and found <= outcomes.NO_SERVER for found in kinds)
        return [f"{live.url} {live.latest}" for live in self.live] if unreached else []

    def abandon(self, lease: Lease) -> None:
        """Give back a lease whose request was cancelled."""
        lease.live.in_flight -= 1
        lease.live.health.abandoned(probe=lease.probe)
        self._serve()

    def _serve(self) -> None:
        """Give leases to the requests that wait, in order, as far as endpoints are free."""
        if not self._waiting:
            return
        now = asyncio.get_running_loop().time() + RESOLUTION
        served = []
        for ticket, future in self._waiting.items():
            free = {live: share for live in self.live if (share := live.free(now)) > 0}
            if not free:
                break
            allowed = [live for live in free if ticket.not_before.get(live, 0.0) <= now]
            if allowed and not future.done():
                fewest = min(ticket.failures[live] for live in allowed)
                best = [live for live in allowed if ticket.failures[live] == fewest]
                weights = [live.endpoint.weight * free[live] for live in best]
                chosen = best[0] if len(best) == 1 else self._generator.choices(best, weights)[0]
                chosen.in_flight += 1
                served.append(ticket)
                future.set_result(Lease(chosen, chosen.health.sent()))
        for ticket in served:
            del self._waiting[ticket]


def _key(endpoint: Endpoint) -> str:
    """Return the endpoint's API key. InputError if its variable is not set, or cannot be part of a header."""
    if not endpoint.key_variable:
        return ""
    key = os.environ.get(endpoint.key_variable, "").strip()
    if not key:
        raise InputError(f"{endpoint.key_variable}, the variable of the key for {endpoint.url}, is not set")
    if not (key.isascii() and key.isprintable()):
        raise InputError(
            f"{endpoint.key_variable}, the variable of the key for {endpoint.url}, holds no key: it has "
            "characters that a header cannot have"
        )
    return key
