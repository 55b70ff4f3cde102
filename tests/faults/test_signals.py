"""SIGTERM to one of two processes, and the death of one."""

import random
import signal
import time
from typing import Any

import pytest

from tanuki_jax.checkpoints.folder import steps
from tests.faults.conftest import Record
from tests.faults.runs import Run, Runs

pytestmark = pytest.mark.faults

TIMES = 20
LONG = ("--steps", "240", "--layout.fsdp", "8", "--held-out.every-steps", "240", "--checkpoints.every-steps", "4")


def started(runs: Runs, name: str, chance: random.Random, *words: str) -> list[Run]:
    """A pair that goes on for some steps."""
    before = runs.steps(name)
    pair = runs.start_pair("--name", name, *words)
    pair[0].wait_until(lambda: runs.steps(name) >= before + chance.randrange(2, 8))
    return pair


@pytest.fixture(scope="module")
def undisturbed(runs: Runs) -> list[dict[str, Any]]:
    return runs.finish("long", *LONG, processes=2)


def test_sigterm_to_one_of_two_saves_in_both(runs: Runs, undisturbed: list[dict[str, Any]], record: Record) -> None:
    chance = random.Random(2)
    for number in range(TIMES):
        pair = started(runs, "told", chance, *LONG)
        assert pair[number % 2].signal(signal.SIGTERM)
        for run in pair:
            assert run.code() == 0, run.said
            assert "stopped and saved" in pair[0].said
        saved = steps(runs.folder("told") / "checkpoints")[-1]
        assert saved == runs.steps("told")
    assert runs.finish("told", *LONG, processes=2) == undisturbed
    resumed = [event["step"] for event in runs.workspace.events("told") if event["event"] == "resumed"]
    assert len(resumed) == TIMES and resumed == sorted(set(resumed))
    record("SIGTERM to one of two processes", TIMES, "both saved the same step and exit 0; resumed, metrics bit-identical")


def test_the_death_of_one_of_two_ends_the_other(runs: Runs, undisturbed: list[dict[str, Any]], record: Record) -> None:
    chance, longest = random.Random(3), 0.0
    for number in range(TIMES):
        pair = started(runs, "bereft", chance, *LONG)
        assert pair[number % 2].signal(signal.SIGKILL)
        since = time.monotonic()
        assert pair[1 - number % 2].code() not in (0, 2, 3)
        longest = max(longest, time.monotonic() - since)
    assert runs.finish("bereft", *LONG, processes=2) == undisturbed
    record("death of one of two processes", TIMES, f"the other left within {longest:.0f} s; both started again, metrics bit-identical")
