"""A disk that is full while a checkpoint or a line of the log is written."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.checkpoints.format import newest_good, read_state
from tests.faults.conftest import Record, fill
from tests.faults.runs import Runs

pytestmark = pytest.mark.faults

TIMES = 10
MIB = 1 << 20


def steps_of(metrics: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the metrics without the held-out losses that every end of a run adds."""
    return [line for line in metrics if "loss" in line]


def test_a_full_disk_leaves_the_last_good_checkpoint(runs: Runs, small_disk: Path, record: Record) -> None:
    """Leave space for the log but not for a checkpoint in half of the cases, and for neither in the others."""
    options = ("--checkpoints.every-steps", "4", "--checkpoints.keep", "2")
    undisturbed = runs.finish("space", *options)
    on_small_disk = ("--runs", str(small_disk / "runs"), "--name", "full", *options)
    folder = small_disk / "runs" / "full"
    for time in range(TIMES):
        up_to = ("--steps", str(8 + 4 * time), "--schedule.end-step", "60")
        assert (run := runs.start(*on_small_disk, *up_to)).code() == 0, run.output
        good, _ = newest_good(folder / "checkpoints")
        assert good is not None
        ballast = fill(small_disk, leave=128 << 10 if time % 2 else 0)
        run = runs.start(*on_small_disk)
        assert run.code() == 2, run.output
        assert "the disk is full" in run.output.splitlines()[-1], run.output
        ballast.unlink()
        after, damaged = newest_good(folder / "checkpoints")
        assert after is not None and read_state(after).step >= read_state(good).step and not damaged
    assert (run := runs.start(*on_small_disk)).code() == 0, run.output
    shutil.copytree(folder, runs.folder("full"))
    assert steps_of(runs.workspace.metrics("full")) == steps_of(undisturbed)
    record(
        "disk full during a save and during logging",
        TIMES,
        "exit 2, last good checkpoint intact, resumed to the same metrics",
    )
