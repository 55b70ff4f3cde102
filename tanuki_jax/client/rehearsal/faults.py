"""The fault that a request meets: by the time since the start, or by chance with a seed."""

import collections
import hashlib

from tanuki_jax.client.rehearsal.behaviour import Behaviour


class Faults:
    """The faults of a mock endpoint.

    Whether the n-th sending of a body meets a fault depends on seed, body and n only, not on other requests.
    """

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._sent: collections.Counter[bytes] = collections.Counter()

    def choose(self, body: bytes, seconds: float) -> tuple[str, bool]:
        """Return the fault of a request, "" for none, and a random bit that chooses between its two forms.

        Args:
            body: as it was sent.
            seconds: time since the start.
        """
        digest = hashlib.sha256(body).digest()
        self._sent[digest] += 1
        key = f"{self._behaviour.seed} {self._sent[digest]} ".encode() + digest
        number = int.from_bytes(hashlib.sha256(key).digest()[:8])
        start, end = self._behaviour.rate_limited_between
        if start <= seconds < end:
            return "rate_limited", bool(number & 1)
        chance = (number >> 11) / 2**53
        for name, share in self._behaviour.shares.items():
            if chance < share:
                return name, bool(number & 1)
            chance -= share
        return "", False
