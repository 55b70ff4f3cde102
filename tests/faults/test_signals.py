"""SIGTERM to one of two processes, and the death of one."""

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.checkpoints.format import steps
from tests.faults.conftest import Record
from tests.faults.runs import PATIENCE, Run, Runs
from tests.training.test_distributed import process

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
    record(
        "SIGTERM to one of two processes", TIMES, "both saved the same step and exit 0; resumed, metrics bit-identical"
    )


def test_after_the_death_of_one_of_two_the_launcher_starts_both_again(
    runs: Runs, undisturbed: list[dict[str, Any]], record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESTARTS", str(TIMES))
    chance, longest = random.Random(3), 0.0
    job = runs.workspace.start_together(2, "--name", "bereft", *LONG)

    def wait_until(true: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not true():
            assert job.poll() is None and time.monotonic() < end, job.communicate(timeout=10)
            time.sleep(0.01)

    for number in range(TIMES):
        wait_until(lambda number=number: resumed(runs, "bereft") == number)  # type: ignore[misc]
        least = (steps(runs.folder("bereft") / "checkpoints") or [0])[-1] + chance.randrange(5, 9)
        wait_until(lambda least=least: runs.steps("bereft") >= least)  # type: ignore[misc]
        victim, other = (process("bereft", each) for each in (number % 2, 1 - number % 2))
        os.kill(victim, signal.SIGKILL)
        since = time.monotonic()
        wait_until(lambda other=other: not Path(f"/proc/{other}").exists())  # type: ignore[misc]
        longest = max(longest, time.monotonic() - since)
    out, _ = job.communicate(timeout=PATIENCE)
    assert job.returncode == 0, out
    assert runs.workspace.metrics("bereft") == undisturbed
    record(
        "death of one of two processes",
        TIMES,
        f"the other left within {longest:.0f} s, both started again, metrics bit-identical",
    )


def resumed(runs: Runs, name: str) -> int:
    """How often a run has gone on after a stop."""
    path = runs.folder(name) / "events.jsonl"
    return path.read_text().count('"resumed"') if path.exists() else 0
