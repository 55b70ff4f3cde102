"""`kill -9` at random moments."""

import random
import signal
import time
from typing import Any

import numpy as np
import pytest

from tests.faults.conftest import Record
from tests.faults.runs import Run, Runs

pytestmark = pytest.mark.faults

RUNS, KILLS = 20, 5
SHORT = ("--steps", "30", "--schedule.end-step", "60", "--checkpoints.every-steps", "3")
MEASURES = ("loss", "gradient_norm")
SLOW = ("--schedule.peak", "1e-3")
"""Differences in the last bit grow with the learning rate; this one is usual for larger models."""


def killed(runs: Runs, name: str, chance: random.Random, inside: bool, *options: str) -> bool:
    """Start a run and kill it, inside a save or at any time; whether it was still running then."""
    run = runs.start("--name", name, *options)
    target = runs.steps(name) + chance.randrange(0, 8)
    run.wait_until(lambda: runs.steps(name) >= target)
    if inside:
        run.wait_until(lambda: runs.saving(name))
    time.sleep(chance.uniform(0, 0.02 if inside else 0.3))
    return _kill(run)


def _kill(run: Run) -> bool:
    killed = run.signal(signal.SIGKILL)
    run.code()
    return killed


def test_kill_9_changes_no_bit_of_the_metrics(runs: Runs, record: Record) -> None:
    undisturbed = runs.finish("undisturbed", *SHORT)
    chance, times, inside = random.Random(0), 0, 0
    for number in range(RUNS):
        for attempt in range(KILLS):
            in_save = attempt % 2 == 0
            done = killed(runs, f"killed{number}", chance, in_save, *SHORT)
            times, inside = times + done, inside + (done and in_save)
        assert runs.finish(f"killed{number}", *SHORT) == undisturbed
    assert times >= 0.9 * RUNS * KILLS
    record(
        f"kill -9 at random moments, {inside} of them aimed inside a save",
        times,
        "resumed, metrics bit-identical on the same mesh",
    )


def test_another_mesh_or_process_count_resumes_after_kill_9(runs: Runs, record: Record) -> None:
    options = ("--checkpoints.every-steps", "8", *SLOW)
    undisturbed = runs.finish("slow", *options)
    chance, worst = random.Random(1), 0.0
    others: list[tuple[int, tuple[str, ...]]] = [
        (1, ("--layout.fsdp", "2", "--layout.tensor", "2")),
        (1, ("--layout.fsdp", "4", "--layout.accumulation", "2")),
        (2, ("--layout.fsdp", "8")),
    ]
    for number, (processes, layout) in enumerate(others):
        while runs.steps(f"moved{number}") < 8:
            killed(runs, f"moved{number}", chance, False, *options)
        moved = runs.finish(f"moved{number}", *options, *layout, processes=processes)
        worst = max(worst, difference(moved, undisturbed))
    assert worst <= 1e-5
    record(
        "kill -9, then another mesh or process count",
        len(others),
        f"losses and norms within {worst:.1e} relative over 50 steps",
    )


def difference(actual: list[dict[str, Any]], expected: list[dict[str, Any]]) -> float:
    """Return the largest relative difference of losses and gradient norms."""
    a, b = (
        np.array([[line[name] for name in MEASURES] for line in lines if "loss" in line][:50])
        for lines in (actual, expected)
    )
    return float(np.max(np.abs(a - b) / np.abs(b)))
