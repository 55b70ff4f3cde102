"""Packing plans that are in use, made in the background and shared by threads."""

import concurrent.futures
import threading
from collections import OrderedDict
from collections.abc import Callable

from tanuki_jax.data.packing import Plan

PLANS_IN_USE = 4
"""Plans of each source that are kept in memory."""


class PlanCache:
    """Training plans by source and epoch. Each is made once, in a thread, however many threads request it."""

    def __init__(self, make: Callable[[str, int], Plan]) -> None:
        """Take `make`, (source, epoch) -> plan."""
        self._make = make
        self._lock = threading.Lock()
        self._plans: OrderedDict[tuple[str, int], concurrent.futures.Future[Plan]] = OrderedDict()

    def get(self, source: str, epoch: int) -> Plan:
        """Return a plan; wait until it is made. Raises the error of `make`."""
        return self.request(source, epoch).result()

    def request(self, source: str, epoch: int) -> concurrent.futures.Future[Plan]:
        """Begin to make a plan, unless it exists or is being made, and return its future."""
        key = (source, epoch)
        with self._lock:
            if key not in self._plans:
                self._plans[key] = concurrent.futures.Future()
                threading.Thread(target=self._fulfil, args=(self._plans[key], key), daemon=True).start()
                of_source = [other for other in self._plans if other[0] == source]
                for least_recent in of_source[:-PLANS_IN_USE]:
                    del self._plans[least_recent]
            self._plans.move_to_end(key)
            return self._plans[key]

    def _fulfil(self, future: concurrent.futures.Future[Plan], key: tuple[str, int]) -> None:
        try:
            future.set_result(self._make(*key))
        except BaseException as error:
            future.set_exception(error)
