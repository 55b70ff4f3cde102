"""A real SLURM whose two nodes are this machine, as tests/launch/two_nodes.sh starts it."""

import contextlib
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

PATIENCE = 600.0
"""Seconds after which a missing event is a failure."""


def require_cluster() -> None:
    """Skip the test unless SLURM answers and has two nodes, both of them this machine: tests kill processes of jobs."""
    start = "run them by tests/launch/two_nodes.sh python -m pytest -m slurm"
    if shutil.which("sinfo") is None:
        pytest.skip(f"there is no SLURM; {start}")
    nodes = subprocess.run(["scontrol", "--oneliner", "show", "nodes"], capture_output=True, text=True, check=False)
    if nodes.returncode:
        pytest.skip(f"SLURM does not answer; {start}")
    if re.findall(r" NodeHostName=(\S+)", nodes.stdout) != [socket.gethostname()] * 2:
        pytest.skip(f"the nodes of this SLURM are not two and this machine; {start}")


def slurm(*words: str) -> str:
    """Run a program of SLURM. Return its output."""
    finished = subprocess.run(words, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, f"{words}: {finished.stderr}"
    return finished.stdout.strip()


def state(job: str) -> str:
    return slurm("squeue", "--noheader", "--states=all", f"--jobs={job}", "--format=%T")


def shown(job: str) -> dict[str, str]:
    """Return the fields that SLURM shows of a job."""
    return dict(re.findall(r"(\S+?)=(\S*)", slurm("scontrol", "--oneliner", "show", "job", job)))


def fail_node(name: str) -> None:
    """Declare a node as failed, until its daemon answers again, which may be at once."""
    slurm("scontrol", "update", f"nodename={name}", "state=down", "reason=test")


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"nothing after {seconds:g} s"
        time.sleep(0.2)


def wait_for_restart(job: str) -> None:
    """Wait until a job is queued again, and let it start after ten seconds instead of SLURM's two minutes.

    At once would be too early: the first start is not over on all nodes.
    """
    wait_until(lambda: shown(job)["Restarts"] == "1" and state(job) == "PENDING")
    slurm("scontrol", "update", f"jobid={job}", "starttime=now+10")


def wait_for(job: str, *states: str) -> None:
    """Wait until a job has one of these states; fail if it ends in another."""
    ends = {*states, "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL"}
    wait_until(lambda: state(job) in ends)
    assert state(job) in states, slurm("scontrol", "show", "job", job)


def task(job: str, number: int) -> int:
    """Return the id of the process of Python that is a task of a job."""
    wanted = {f"SLURM_JOB_ID={job}".encode(), f"SLURM_PROCID={number}".encode()}
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            program = (folder / "exe").readlink().name
            if program.startswith("python") and wanted <= set((folder / "environ").read_bytes().split(b"\0")):
                return int(folder.name)
    raise AssertionError(f"there is no task {number} of job {job}")
