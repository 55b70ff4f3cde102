"""A disk that is full while a checkpoint or a line of the log is written."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.checkpoints.format import newest_good, read_state
from tests.faults.conftest import Record
from tests.faults.runs import Runs

pytestmark = pytest.mark.faults

TIMES = 10
MIB = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MiB in memory. Mounting one takes root."""
    assert os.geteuid() == 0, "only root may mount a file system; run these tests as root, in a container"
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path, leave: int) -> Path:
    """Takes all of the disk but some bytes."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        file.write(bytes(max(0, shutil.disk_usage(disk).free - leave)))
    return ballast


def steps_of(metrics: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without the held-out losses that every end of a run adds."""
    return [line for line in metrics if "loss" in line]


def test_a_full_disk_leaves_the_last_good_checkpoint(runs: Runs, small_disk: Path, record: Record) -> None:
    """Half of the times there is room for the log and not for a checkpoint, else for neither."""
    words = ("--checkpoints.every-steps", "4", "--checkpoints.keep", "2")
    undisturbed = runs.finish("room", *words)
    elsewhere = ("--runs", str(small_disk / "runs"), "--name", "full", *words)
    folder = small_disk / "runs" / "full"
    for time in range(TIMES):
        upto = ("--steps", str(8 + 4 * time), "--schedule.end-step", "60")
        assert (run := runs.start(*elsewhere, *upto)).code() == 0, run.said
        good, _ = newest_good(folder / "checkpoints")
        assert good is not None
        ballast = fill(small_disk, leave=128 << 10 if time % 2 else 0)
        run = runs.start(*elsewhere)
        assert run.code() == 2, run.said
        assert "the disk is full" in run.said.splitlines()[-1], run.said
        ballast.unlink()
        after, damaged = newest_good(folder / "checkpoints")
        assert after is not None and read_state(after).step >= read_state(good).step and not damaged
    assert (run := runs.start(*elsewhere)).code() == 0, run.said
    shutil.copytree(folder, runs.folder("full"))
    assert steps_of(runs.workspace.metrics("full")) == steps_of(undisturbed)
    record(
        "disk full during a save and during logging",
        TIMES,
        "exit 2, last good checkpoint whole, then on to the same metrics",
    )
