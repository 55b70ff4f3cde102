"""Whether an endpoint is sent requests."""

FAILURES = 6
"""Failures in a row after which an endpoint is left alone. With 8% of faults at random, six in a row are seen once in
four million answers."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds before the first probe, and at most before each later one."""


class Health:
    """An endpoint's recent failures. After too many in a row it is left alone, and tried again with one request."""

    def __init__(self, failures: int = FAILURES, first_wait: float = FIRST_WAIT, longest: float = LONGEST_WAIT) -> None:
        self._limit, self._first_wait, self._longest = failures, first_wait, longest
        self._failures, self._probing = 0, False
        self.wait = first_wait
        """Seconds that it is left alone for when it fails next."""
        self.down_until: float | None = None
        """Time of the next probe; None: the endpoint is not left alone."""

    def allows(self, now: float) -> bool:
        """Whether a request may be sent."""
        return self.down_until is None or (not self._probing and now >= self.down_until)

    def sent(self) -> bool:
        """Count a request as sent. Return whether it is a probe."""
        self._probing = self.down_until is not None
        return self._probing

    def answered(self) -> bool:
        """Note that the endpoint is alive. Return whether it was left alone until now."""
        recovered = self.down_until is not None
        self._failures, self._probing, self.wait, self.down_until = 0, False, self._first_wait, None
        return recovered

    def failed(self, now: float, *, probe: bool) -> bool:
        """Note a failure. Return whether the endpoint is left alone from now on.

        Failures of requests that were in flight when the endpoint was left alone change nothing.
        """
        self._failures += 1
        if not probe and (self.down_until is not None or self._failures < self._limit):
            return False
        self._probing, self.down_until = False, now + self.wait
        self.wait = min(2 * self.wait, self._longest)
        return True

    def abandoned(self, *, probe: bool) -> None:
        """Note that a request was cancelled: another one may be the probe."""
        if probe:
            self._probing = False
