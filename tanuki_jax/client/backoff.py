"""Waits before a request is tried again."""

import math
import random


class Backoff:
    """Exponential backoff with full jitter: requests that failed together do not come back together."""

    def __init__(self, first: float, longest: float, generator: random.Random) -> None:
        """Set the range of waits.

        Args:
            first: longest wait after the first failure, in seconds; it doubles with each further one.
            longest: longest wait of all.
            generator: source of the jitter.
        """
        self._first, self._longest, self._generator = first, longest, generator

    def wait(self, failures: int, retry_after: float | None, left: float) -> float:
        """Return the seconds to wait; infinity if less than twice the first wait is left.

        Without that end, waits would halve towards the deadline, and a server that refuses would get a burst.

        Args:
            failures: number of failed attempts of the request, at least 1.
            retry_after: seconds that the server asks for: the jitter is added to them. None: it does not say.
            left: seconds before the request's deadline. At most half of them are waited, so that a server that asks
                for hours does not cost the request its last attempts.
        """
        if left / 2 < self._first:
            return math.inf
        most = min(self._longest, self._first * 2.0 ** min(failures - 1, 60))
        return min((retry_after or 0.0) + self._generator.uniform(0.0, most), left / 2)
