"""Encode the units of a source, together with other processes that share the folder of its parts."""

import os
import time
from collections import deque
from collections.abc import Collection
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from pathlib import Path

from tanuki_jax.base.leases import Leases, claim_path
from tanuki_jax.base.progress import Advance
from tanuki_jax.data.preparation.encode_unit import encode_in_worker
from tanuki_jax.data.preparation.inventory import Inventory

LOOK_SECONDS = 0.5
"""Least seconds between two looks at the parts of other processes; looking takes at most a twentieth of the time."""
CLAIMED_SECONDS = 60.0
"""Seconds after which claims of others are tried again, although there are units that nobody has claimed."""


class Encoding:
    """Parts of a source in a folder, and those of them that worker processes of this command are encoding.

    A unit is claimed before it is encoded. If two processes encode it all the same, both make the same part.
    """

    def __init__(
        self,
        inventory: Inventory,
        folder: Path,
        dtype: str,
        workers: Executor,
        ahead: int,
        leases: Leases,
        advance: Advance,
    ) -> None:
        """Encode nothing yet.

        Args:
            inventory: units, and settings by which their records become documents.
            folder: folder of the parts.
            dtype: dtype of the tokens.
            workers: processes in which `start_worker` has run.
            ahead: number of units that are claimed at a time.
            leases: claims in `folder`.
            advance: progress, in the work of units.
        """
        self._inventory, self._folder, self._dtype = inventory, folder, dtype
        self._workers, self._ahead, self._leases, self._advance = workers, ahead, leases, advance
        self._done = encoded(inventory, folder)
        self._futures: dict[Future[int], int] = {}
        self._candidates: deque[int] = deque()
        self._next_look = 0.0
        self._next_claimed = 0.0
        self._began, self._tokens = time.monotonic(), 0

    def part(self, number: int) -> Path | None:
        """Return the part of a unit; None if it is not known to be complete."""
        return part_path(self._folder, number) if number in self._done else None

    def work(self, seconds: float) -> None:
        """Keep the workers busy, and wait until a unit is encoded, for at most so many seconds. Raise a worker's error.

        FileNotFoundError if the folder is gone: another process has made the store.
        """
        if time.monotonic() >= self._next_look:
            self._look()
        while self._candidates and len(self._futures) < self._ahead:
            self._submit(self._candidates.popleft())
        if not self._futures:
            time.sleep(seconds)
            return
        for future in wait(self._futures, seconds, FIRST_COMPLETED).done:
            number = self._futures.pop(future)
            self._tokens += future.result()
            self._leases.release(unit_name(number))
            self._complete(number)

    def _look(self) -> None:
        """Find parts that are complete, and put the other units in the order in which they are to be claimed."""
        began = time.monotonic()
        names = set(os.listdir(self._folder))
        encoding = set(self._futures.values())
        missing = []
        for number in range(len(self._inventory.units)):
            if number in self._done or number in encoding:
                continue
            if part_path(self._folder, number).name in names:
                self._complete(number)
            else:
                missing.append(number)
        if began < self._next_claimed:
            missing.sort(key=lambda number: claim_path(self._folder, unit_name(number)).name in names)
        else:  # the first ones are merged first, also if their holders have died
            self._next_claimed = began + CLAIMED_SECONDS
        self._candidates = deque(missing)
        self._next_look = began + max(LOOK_SECONDS, 20 * (time.monotonic() - began))

    def _submit(self, number: int) -> None:
        """Claim a unit and pass it to the workers, unless another process has claimed it, or has encoded it by now."""
        if number in self._done or not self._leases.attempt(unit_name(number)):
            return
        part, unit = part_path(self._folder, number), self._inventory.units[number]
        if part.exists():
            self._leases.release(unit_name(number))
            self._complete(number)
            return
        arguments = (unit, part, self._dtype, self._inventory.rendering, self._inventory.bos_ids)
        self._futures[self._workers.submit(encode_in_worker, *arguments)] = number

    def _complete(self, number: int) -> None:
        self._done.add(number)
        speed = f"{self._tokens / (time.monotonic() - self._began):,.0f} tokens/s" if self._tokens else None
        self._advance(self._inventory.units[number].work, status=speed)


def encoded(inventory: Inventory, folder: Path) -> set[int]:
    """Return the numbers of the units whose parts are in `folder`."""
    names: Collection[str] = set(os.listdir(folder))
    return {number for number in range(len(inventory.units)) if part_path(folder, number).name in names}


def part_path(folder: Path, number: int) -> Path:
    """Return the path of a unit's part."""
    return folder / f"{unit_name(number)}.npz"


def unit_name(number: int) -> str:
    """Return the name by which a unit is claimed."""
    return f"{number:08d}"
