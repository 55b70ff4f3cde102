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


def started(runs: Runs, name: str, chance: random.Random, *options: str) -> list[Run]:
    """Start a pair, and wait for some more steps."""
    before = runs.steps(name)
    pair = runs.start_pair("--name", name, *options)
    pair[0].wait_until(lambda: runs.steps(name) >= before + chance.randrange(2, 8))
    return pair


@pytest.fixture(scope="module")
def undisturbed(runs: Runs) -> list[dict[str, Any]]:
    return runs.finish("long", *LONG, processes=2)


def test_sigterm_to_one_of_two_saves_in_both(runs: Runs, undisturbed: list[dict[str, Any]], record: Record) -> None:
    chance = random.Random(2)
    for number in range(TIMES):
        pair = started(runs, "stopped", chance, *LONG)
        assert pair[number % 2].signal(signal.SIGTERM)
        for run in pair:
            assert run.code() == 0, run.output
            assert "stopped and saved" in pair[0].output
        saved = steps(runs.folder("stopped") / "checkpoints")[-1]
        assert saved == runs.steps("stopped")
    assert runs.finish("stopped", *LONG, processes=2) == undisturbed
    resumed = [event["step"] for event in runs.workspace.events("stopped") if event["event"] == "resumed"]
    assert len(resumed) == TIMES and resumed == sorted(set(resumed))
    record(
        "SIGTERM to one of two processes", TIMES, "both saved the same step and exit 0; resumed, metrics bit-identical"
    )


def test_the_launcher_restarts_both_after_the_death_of_one_of_two(
    runs: Runs, undisturbed: list[dict[str, Any]], record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESTARTS", str(TIMES))
    chance, longest = random.Random(3), 0.0
    job = runs.workspace.start_together(2, "--name", "restarted", *LONG)

    def wait_until(condition: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            assert job.poll() is None and time.monotonic() < end, job.communicate(timeout=10)
            time.sleep(0.01)

    for number in range(TIMES):
        wait_until(lambda number=number: resumptions(runs, "restarted") == number)  # type: ignore[misc]
        least = (steps(runs.folder("restarted") / "checkpoints") or [0])[-1] + chance.randrange(5, 9)
        wait_until(lambda least=least: runs.steps("restarted") >= least)  # type: ignore[misc]
        victim, other = (process("restarted", each) for each in (number % 2, 1 - number % 2))
        os.kill(victim, signal.SIGKILL)
        since = time.monotonic()
        wait_until(lambda other=other: not Path(f"/proc/{other}").exists())  # type: ignore[misc]
        longest = max(longest, time.monotonic() - since)
    out, _ = job.communicate(timeout=PATIENCE)
    assert job.returncode == 0, out
    assert runs.workspace.metrics("restarted") == undisturbed
    record(
        "death of one of two processes",
        TIMES,
        f"the other exited within {longest:.0f} s, both restarted, metrics bit-identical",
    )


def resumptions(runs: Runs, name: str) -> int:
    """Return how often a run has been resumed."""
    path = runs.folder(name) / "events.jsonl"
    return path.read_text().count('"resumed"') if path.exists() else 0
