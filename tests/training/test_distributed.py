"""How a process finds the others of its job, and what becomes of it when they are gone; test_run.py trains in several."""

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
def test_a_job_that_is_not_there_is_refused_in_a_sentence() -> None:
    words = ("-m", "tanuki_jax.train", "--config=tiny", "--distributed")
    refused = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert re.fullmatch(
        r"tanuki_jax.train: .* none was found: no SLURM, TPU slice or Open MPI, .* is not set\n", refused.stderr
    ), refused.stderr


@pytest.mark.parametrize("said", ["", "two"])
def test_a_job_must_say_how_many_processes_it_has(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("JAX_COORDINATOR_ADDRESS", "localhost:1")
    monkeypatch.setenv("JAX_NUM_PROCESSES", said)
    with pytest.raises(
        InputError, match=f"with JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES must be a whole number, and is '{said}'$"
    ):
        join()


FAILS_ALONE = """
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
def test_one_that_fails_alone_leaves_at_once_with_its_code_and_the_other_follows() -> None:
    with pair(FAILS_ALONE) as (first, second):
        assert next_line(first) == next_line(second) == "together\n"
        begun = time.monotonic()
        _, err = second.communicate(timeout=60)
        assert second.returncode == 2 and "tanuki_jax.pair: the disk is full\n" in err
        _, err = first.communicate(timeout=60)
        assert first.returncode == 1 and "Traceback" in err
        assert time.monotonic() - begun < 2 * EXIT_SECONDS + 5


STANDS_STILL = """
together()
print("together", flush=True)
if number == victim:
    time.sleep(100)
together()
"""


@pytest.mark.long
@pytest.mark.parametrize("victim", [0, 1])
def test_one_that_gives_no_sign_of_life_ends_the_other(victim: int) -> None:
    """Stopped, not ended: its connections stay open, as those of a host that is gone, or of devices that wait for it."""
    with pair(f"victim = {victim}{STANDS_STILL}") as processes:
        for process in processes:
            assert next_line(process) == "together\n"
        stopped, other = processes[victim], processes[1 - victim]
        begun = time.monotonic()
        stopped.send_signal(signal.SIGSTOP)
        other.communicate(timeout=HEARTBEAT_SECONDS + 15)
        assert other.returncode == -signal.SIGABRT
        assert time.monotonic() - begun > HEARTBEAT_SECONDS / 2 - 5


def process(name: str, number: int) -> int:
    """Id of the process of the run `name` that has this number."""
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
def test_when_one_of_two_dies_both_begin_again_and_nothing_is_lost(
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
