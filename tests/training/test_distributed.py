"""Joining the processes of a job, and their ends when one of them is gone; test_job.py trains in several."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.training.distributed import EXIT_SECONDS, HEARTBEAT_SECONDS, join
from tests.training.conftest import Workspace
from tests.training.pair import next_line, pair


@pytest.mark.long
def test_a_missing_job_is_refused_in_one_line() -> None:
    words = ("-m", "tanuki_jax.train", "--config=tiny", "--distributed")
    refused = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert re.fullmatch(
        r"tanuki_jax.train: .* none was found: no SLURM, TPU slice or Open MPI, .* is not set\n", refused.stderr
    ), refused.stderr


@pytest.mark.parametrize("text", ["", "two"])
def test_a_job_must_name_its_number_of_processes(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("JAX_COORDINATOR_ADDRESS", "localhost:1")
    monkeypatch.setenv("JAX_NUM_PROCESSES", text)
    with pytest.raises(
        InputError, match=f"with JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES must be a whole number, and is '{text}'$"
    ):
        join()


FAILS = """
from tanuki_jax.base.command import enter
from tanuki_jax.base.errors import InputError
def main(words):
    with distributed.fail_fast():
        together()
        print("together", flush=True)
        if number == 1:
            raise InputError("the disk is full")
        together()
enter("pair", main)
"""


@pytest.mark.long
def test_a_process_that_fails_exits_at_once_and_the_other_follows() -> None:
    with pair(FAILS) as (first, second):
        assert next_line(first) == next_line(second) == "together\n"
        begun = time.monotonic()
        _, err = second.communicate(timeout=60)
        assert second.returncode == 2 and "tanuki_jax.pair: the disk is full\n" in err
        _, err = first.communicate(timeout=60)
        assert first.returncode == 1 and "Traceback" in err
        assert time.monotonic() - begun < 2 * EXIT_SECONDS + 5


STOPS = """
together()
print("together", flush=True)
if number == victim:
    time.sleep(100)
together()
"""


@pytest.mark.long
@pytest.mark.parametrize("victim", [0, 1])
def test_a_process_without_heartbeats_ends_the_other(victim: int) -> None:
    """It is stopped, not ended, so that its connections stay open, as those of a host that is gone."""
    with pair(f"victim = {victim}{STOPS}") as processes:
        for process in processes:
            assert next_line(process) == "together\n"
        stopped, other = processes[victim], processes[1 - victim]
        begun = time.monotonic()
        stopped.send_signal(signal.SIGSTOP)
        other.communicate(timeout=HEARTBEAT_SECONDS + 15)
        assert other.returncode == -signal.SIGABRT
        assert time.monotonic() - begun > HEARTBEAT_SECONDS / 2 - 5


def process(name: str, number: int) -> int:
    """Return the id of the process with this number in the run `name`."""
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            words, environment = ((folder / kind).read_bytes().split(b"\0") for kind in ("cmdline", "environ"))
            if (
                name.encode() in words
                and b"tanuki_jax.train" in words
                and f"JAX_PROCESS_ID={number}".encode() in environment
            ):
                return int(folder.name)
    raise AssertionError(f"there is no process {number} of {name}")


@pytest.mark.long
@pytest.mark.parametrize("victim", [0, 1])
def test_when_one_of_two_dies_both_restart_and_nothing_is_lost(
    workspace: Workspace, undisturbed: list[dict[str, Any]], victim: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESTARTS", "1")
    name = f"orphan{victim}"
    job = workspace.start_together(2, "--name", name, "--layout.fsdp", "8")
    while not any(line.get("step", 0) > 10 for line in workspace.metrics(name)) and job.poll() is None:
        time.sleep(0.01)
    os.kill(process(name, victim), signal.SIGKILL)
    out, _ = job.communicate(timeout=200)
    assert job.returncode == 0, out
    assert "launch/local.sh: ended with code 1" in out
    assert [event["step"] for event in workspace.events(name) if event["event"] == "resumed"] == [8]
    first, second = (
        [line["loss"] for line in lines if "loss" in line] for lines in (workspace.metrics(name), undisturbed)
    )
    np.testing.assert_allclose(first, second, rtol=1e-4)
