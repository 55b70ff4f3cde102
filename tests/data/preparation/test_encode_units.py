"""Units that several processes encode: who encodes which, and when the parts of others are seen."""

import contextlib
import os
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.base.leases import EXPIRY_SECONDS, Leases, claim_path
from tanuki_jax.base.progress import progress
from tanuki_jax.config.mixture import Source
from tanuki_jax.data.preparation.encode_units import LOOK_SECONDS, Encoding, encoded, part_path, unit_name
from tanuki_jax.data.preparation.inventory import Inventory
from tanuki_jax.data.preparation.work_units import TaskUnit

UNITS = 6
INVENTORY = Inventory(
    Source(name="s", tasks=("arithmetic",), documents=UNITS),
    (),
    tuple(TaskUnit("arithmetic", n, n + 1) for n in range(UNITS)),
)


class Recorded(Executor):
    """Executor whose futures a test completes, with the numbers of the units that were submitted."""

    def __init__(self) -> None:
        self.units: list[int] = []
        self.futures: list[Future[Any]] = []

    def submit(self, function: Any, unit: Any, part: Path, /, *rest: Any) -> Future[Any]:  # type: ignore[override]
        self.units.append(unit.start)
        self.futures.append(Future())
        return self.futures[-1]


@pytest.fixture
def workers() -> Recorded:
    return Recorded()


@contextlib.contextmanager
def encoding(folder: Path, workers: Executor, ahead: int = UNITS) -> Iterator[Encoding]:
    with progress("s", UNITS) as advance, Leases(folder) as leases:
        yield Encoding(INVENTORY, folder, "uint16", workers, ahead, leases, advance)


def test_so_many_units_are_claimed_at_a_time_in_their_order(tmp_path: Path, workers: Recorded) -> None:
    with encoding(tmp_path, workers, ahead=2) as here:
        here.work(0)
        here.work(0)
        assert workers.units == [0, 1] and here.part(0) is None
        assert {path.name for path in tmp_path.iterdir()} == {".00000000.claim", ".00000001.claim"}
        workers.futures[0].set_result(7)
        here.work(0)
        assert here.part(0) == tmp_path / "00000000.npz"
        here.work(0)
        assert workers.units == [0, 1, 2] and not claim_path(tmp_path, unit_name(0)).exists()
        workers.futures[1].set_exception(OSError("the disk is gone"))
        with pytest.raises(OSError, match="the disk is gone"):
            here.work(0)
    assert list(tmp_path.iterdir()) == []


def test_units_of_others_are_left_to_them_until_they_are_done(tmp_path: Path, workers: Recorded) -> None:
    part_path(tmp_path, 2).touch()
    with Leases(tmp_path) as others, encoding(tmp_path, workers) as here:
        assert others.attempt(unit_name(0)) and others.attempt(unit_name(3))
        assert here.part(2) is not None
        here.work(0)
        assert workers.units == [1, 4, 5]
        part_path(tmp_path, 0).touch()
        others.release(unit_name(0))
        others.release(unit_name(3))
        deadline = time.monotonic() + 20
        while 3 not in workers.units:
            assert time.monotonic() < deadline
            here.work(0.05)
        assert workers.units == [1, 4, 5, 3] and here.part(0) is not None
    assert encoded(INVENTORY, tmp_path) == {0, 2}


def test_a_part_that_was_finished_since_the_last_look_is_not_made_again(tmp_path: Path, workers: Recorded) -> None:
    with encoding(tmp_path, workers, ahead=1) as here:
        here.work(0)
        part_path(tmp_path, 1).touch()
        workers.futures[0].set_result(1)
        here.work(0)
        here.work(0)
        assert workers.units == [0, 2] and here.part(1) is not None


def test_an_expired_claim_is_taken_over(tmp_path: Path, workers: Recorded) -> None:
    for number, seconds in ((0, EXPIRY_SECONDS + 1), (1, 0)):
        claim = claim_path(tmp_path, unit_name(number))
        claim.write_text('{"host": "another", "process": 7}')
        os.utime(claim, (time.time() - seconds,) * 2)
    with encoding(tmp_path, workers) as here:
        here.work(0)
        assert workers.units == [0, 2, 3, 4, 5]


def test_claims_of_others_are_looked_at_last_for_a_while(tmp_path: Path, workers: Recorded) -> None:
    with encoding(tmp_path, workers, ahead=1) as here:
        here.work(0)
        claim_path(tmp_path, unit_name(1)).write_text('{"host": "another", "process": 7}')
        os.utime(claim_path(tmp_path, unit_name(1)), (0, 0))
        time.sleep(LOOK_SECONDS + 0.1)
        for _ in range(UNITS - 1):
            workers.futures[-1].set_result(1)
            here.work(0)
            here.work(0)
    assert workers.units == [0, 2, 3, 4, 5, 1]


def test_a_folder_that_is_gone_is_an_error(tmp_path: Path, workers: Recorded) -> None:
    (tmp_path / "parts").mkdir()
    with encoding(tmp_path / "parts", workers) as here:
        (tmp_path / "parts").rmdir()
        with pytest.raises(FileNotFoundError):
            here.work(0)
