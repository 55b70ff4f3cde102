"""Second trainers of a run folder, started at random times."""

import random
import time

import pytest

from tests.faults.conftest import Record
from tests.faults.runs import Runs

pytestmark = pytest.mark.faults

TIMES = 50
LONG = ("--steps", "900", "--layout.fsdp", "8", "--held-out.every-steps", "900", "--checkpoints.every-steps", "25")
CALM = ("--schedule.peak", "0.001")
"""So low that the loss has no spike that would end the run."""


def test_second_trainers_leave_and_the_first_does_not_notice(runs: Runs, record: Record) -> None:
    undisturbed = runs.finish("alone", *LONG, *CALM)
    chance, refused, starts = random.Random(4), 0, 0
    while refused < TIMES:
        first = runs.start("--name", "shared", *LONG, *CALM)
        starts += 1
        first.wait_until(lambda: runs.steps("shared") > 0)
        while refused < TIMES and not first.ended:
            time.sleep(chance.uniform(0, 1))
            second = runs.start("--name", "shared", *LONG, *CALM)
            if second.code() == 0:  # the first ended while it waited
                assert first.ended
                break
            assert second.code() == 2
            assert "has another trainer, process " in second.output
            refused += 1
        assert first.code() == 0
        assert runs.workspace.metrics("shared") == undisturbed
        if refused < TIMES:
            for path in sorted((runs.folder("shared")).rglob("*"), reverse=True):
                path.unlink() if path.is_file() else path.rmdir()
    record("second trainers of a folder", TIMES, f"each left with exit 2; {starts} first runs bit-identical")
