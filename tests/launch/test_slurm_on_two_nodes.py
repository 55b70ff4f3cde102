"""The batch script on a real SLURM: a run is bit for bit the same whatever happens to its job, unless it is refused."""

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.launch.cluster import fail_node, require_cluster, shown, slurm, task, wait_for, wait_for_restart, wait_until
from tests.launch.conftest import LAUNCH
from tests.training.conftest import Workspace, workspace

pytestmark = pytest.mark.slurm
__all__ = ["workspace"]
"""Fixture of another folder."""


@pytest.fixture(scope="module")
def cluster(workspace: Workspace) -> Iterator[Workspace]:
    """Make a workspace to which jobs can be submitted; its jobs are cancelled at the end."""
    require_cluster()
    (workspace.folder / "launch").symlink_to(LAUNCH)
    (workspace.folder / ".venv").symlink_to(sys.prefix)
    yield workspace
    slurm("scancel", "--name=tanuki", f"--user={os.getuid()}")


def submit(cluster: Workspace, name: str, *options: str, **sbatch: str) -> str:
    """Submit a run in two processes with four devices each. Return the id of its job."""
    variables = {
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": "--xla_force_host_platform_device_count=4",
        "JAX_COMPILATION_CACHE_DIR": str(cluster.folder / "cache"),
        "PYTHONPATH": str(LAUNCH.parent),
    }
    placed = {"nodes": "2", "ntasks-per-node": "1", "gpus-per-node": "0", "output": f"{name}.log"} | sbatch
    run = (f"--config={cluster.config}", "--name", name, "--layout.fsdp", "8", "--steps", "120")
    return slurm(
        "env", f"--chdir={cluster.folder}", *(f"{variable}={value}" for variable, value in variables.items()),
        "sbatch", "--parsable", *(f"--{option}={value}" for option, value in placed.items()),
        "launch/slurm.sbatch", *run, *options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(cluster: Workspace) -> list[dict[str, Any]]:
    job = submit(cluster, "undisturbed")
    wait_for(job, "COMPLETED")
    return cluster.metrics("undisturbed")


def is_killed(job: str) -> None:
    os.kill(task(job, 1), signal.SIGKILL)


def is_near_its_limit(job: str) -> None:
    slurm("scancel", "--batch", "--signal=USR1", job)


def has_a_node_that_fails(job: str) -> None:
    fail_node(f"{socket.gethostname()}-2")


def is_preempted(job: str) -> None:
    slurm("sbatch", "--partition=urgent", "--nodes=2", "--exclusive", "--output=/dev/null", "--wrap=sleep 1")


@pytest.mark.parametrize(
    ("happens", "partition"),
    [
        (is_killed, "main"),
        (is_near_its_limit, "main"),
        (has_a_node_that_fails, "main"),
        (is_preempted, "main"),
        (is_preempted, "patient"),
    ],
)
def test_a_disturbed_job_restarts_and_its_metrics_are_the_same(
    cluster: Workspace, undisturbed: list[dict[str, Any]], happens: Callable[[str], None], partition: str
) -> None:
    name = f"{happens.__name__}_{partition}"
    job = submit(cluster, name, partition=partition)
    wait_until(lambda: any(line["step"] > 10 for line in cluster.metrics(name)))
    happens(job)
    if happens is not has_a_node_that_fails:  # the job is still ending on the other node
        wait_for_restart(job)
    wait_for(job, "COMPLETED")
    assert shown(job)["Restarts"] == "1"
    assert cluster.metrics(name) == undisturbed
    assert [event["event"] for event in cluster.events(name)].count("resumed") == 1


def test_a_cancelled_job_saves_and_does_not_run_again(cluster: Workspace) -> None:
    job = submit(cluster, "cancelled")
    wait_until(lambda: any(line["step"] > 10 for line in cluster.metrics("cancelled")))
    slurm("scancel", job)
    wait_for(job, "CANCELLED")
    log = (cluster.folder / "cancelled.log").read_text()
    assert "stopped and saved" in log and "resuming" not in log
    assert shown(job)["Restarts"] == "0"


def test_a_stopped_run_ends_its_job(cluster: Workspace) -> None:
    job = submit(cluster, "stopped")
    wait_until(lambda: any(line["step"] > 10 for line in cluster.metrics("stopped")))
    slurm("scancel", "--signal=TERM", job)
    wait_for(job, "COMPLETED")
    log = (cluster.folder / "stopped.log").read_text()
    assert "stopped and saved" in log and "resuming" not in log


@pytest.mark.parametrize(
    ("folder", "options", "sentence"),
    [
        (".", ["--layout.fsdp", "5"], "tanuki_jax.train: the layout (data -1, fsdp 5) does not fit 8 devices"),
        ("launch", [], "/launch has no .venv; make it with launch/environment.sh .venv gpu"),
    ],
)
def test_a_refused_job_says_why_and_fails(
    cluster: Workspace, tmp_path: Path, folder: str, options: list[str], sentence: str
) -> None:
    log = tmp_path / "log"
    job = submit(cluster, "refused", *options, chdir=str(cluster.folder / folder), output=str(log))
    wait_for(job, "FAILED")
    assert (shown(job)["ExitCode"], shown(job)["Restarts"]) == ("2:0", "0")
    assert sentence in log.read_text()
