"""Watch over all requests of a run: too many failures, or no progress, end it."""

import asyncio
import collections
import contextlib
import logging
from collections.abc import Callable, Iterator

from tanuki_jax.base.errors import STUCK, CommandError, InputError
from tanuki_jax.client.answers import Answer, Failure
from tanuki_jax.config.endpoints import Requests

SHOWN_KINDS = 3
"""Kinds of failures that the error names."""

_log = logging.getLogger(__name__)


class TooManyFailures(InputError):
    """A run of which too large a share of the finished requests failed."""


class Unreachable(InputError):
    """A run of which no endpoint has ever answered."""


class Stalled(CommandError):
    """A run of which no request finished for too long."""

    code = STUCK


class RunGuard:
    """Counts of finished requests. Once the run is stopped, `error` says why, and all requests end at once."""

    def __init__(
        self,
        limits: Requests,
        describe: Callable[[], list[str]],
        unreachable: Callable[[], list[str]],
        log_every: float,
    ) -> None:
        """Begin to count.

        Args:
            limits: limits of failures and of time.
            describe: returns a line for each endpoint, with what it answers.
            unreachable: returns a line for each endpoint, if no server has been seen at any of them.
            log_every: seconds without a finished request between two lines of the log.
        """
        self._limits, self._describe, self._log_every = limits, describe, log_every
        self._unreachable = unreachable
        self._begun: float | None = None
        self._scopes: set[asyncio.Timeout] = set()
        self._running = self._finished = self._failed = 0
        self._kinds: collections.Counter[tuple[str, str]] = collections.Counter()
        self._examples: dict[tuple[str, str], str] = {}
        self._progress = self._logged = 0.0
        self.error: CommandError | None = None

    def raise_if_stopped(self) -> None:
        """Raise the error that stopped the run, if one did."""
        if self.error is not None:
            raise self.error

    @contextlib.contextmanager
    def ending(self, scope: asyncio.Timeout) -> Iterator[None]:
        """Let the time of a request end, within the block, when the run is stopped."""
        self._scopes.add(scope)
        try:
            yield
        finally:
            self._scopes.discard(scope)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Count a request as being worked on within the block. While there is none, no progress is expected."""
        if self._running == 0:
            self._progress = self._logged = asyncio.get_running_loop().time()
            self._begun = self._progress if self._begun is None else self._begun
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1

    def finished(self, result: Answer | Failure) -> None:
        """Count a finished request, and stop the run if too many have failed."""
        self._progress = self._logged = asyncio.get_running_loop().time()
        self._finished += 1
        if isinstance(result, Failure):
            kind = (result.kind, result.endpoint)
            self._failed += 1
            self._kinds[kind] += 1
            self._examples[kind] = result.message
        share = self._failed / self._finished
        if self._finished >= self._limits.failure_least and share > self._limits.failure_share:
            self.stop(TooManyFailures(self._failures()))

    def stop(self, error: CommandError) -> None:
        """Stop the run: every request raises the error. The first error counts."""
        if self.error is None:
            self.error = error
            now = asyncio.get_running_loop().time()
            for scope in self._scopes:
                if not scope.expired():
                    scope.reschedule(now)

    async def watch(self) -> None:
        """Log a run that makes no progress, and stop it after a while. Runs until it is cancelled."""
        loop = asyncio.get_running_loop()
        pause = min(1.0, self._log_every / 4, self._limits.stalled_seconds / 4, self._limits.unreachable_seconds / 4)
        while self.error is None:
            await asyncio.sleep(pause)
            now = loop.time()
            if not self._running:
                continue
            assert self._begun is not None
            if now - self._begun >= self._limits.unreachable_seconds and (lines := self._unreachable()):
                self.stop(Unreachable(f"{'; '.join(lines)}: start the server, or correct the address"))
            elif now - self._progress >= self._limits.stalled_seconds:
                self.stop(Stalled(self._standstill(now)))
            elif now - self._logged >= self._log_every:
                self._logged = now
                _log.warning("%s", self._standstill(now))

    def _standstill(self, now: float) -> str:
        return (
            f"no request has finished for {now - self._progress:.0f} s, and {self._running:,} have begun: "
            + "; ".join(self._describe())
        )

    def _failures(self) -> str:
        """Return the share of failures, and the most frequent ones, in words."""
        kinds = [
            f"{count:,} x {kind[0]}: {self._examples[kind]}" for kind, count in self._kinds.most_common(SHOWN_KINDS)
        ]
        return (
            f"{self._failed:,} of {self._finished:,} finished requests failed, which is more than the share "
            f"{self._limits.failure_share:g} (failure_share): {'; '.join(kinds)}"
        )
