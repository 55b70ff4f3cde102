"""States of jobs, from a script that stands in for squeue."""

from pathlib import Path

import pytest

from tanuki_jax.planning.sweep.slurm_queue import Queue


@pytest.fixture
def squeue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file with what squeue lists; without the file it fails."""
    listed, program = tmp_path / "listed", tmp_path / "bin" / "squeue"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho x >>{tmp_path}/calls\ncat {listed} 2>/dev/null\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    return listed


@pytest.mark.parametrize(
    ("listed", "state", "done"),
    [
        ("17 RUNNING\n", "RUNNING", False),
        ("16 FAILED\n17 PENDING\n", "PENDING", False),
        ("17 CONFIGURING\n", "CONFIGURING", False),
        ("17 SUSPENDED\n", "SUSPENDED", False),
        ("17 NODE_FAIL\n", "NODE_FAIL", True),
        ("17 COMPLETED\n", "COMPLETED", True),
        ("16 RUNNING\n", "GONE", True),
        ("", "GONE", True),
    ],
)
def test_a_job_is_done_if_it_has_ended_or_is_forgotten(squeue: Path, listed: str, state: str, done: bool) -> None:
    squeue.write_text(listed)
    queue = Queue()
    queue.register_job("17")
    assert (queue.get_state("17"), queue.is_done("17")) == (state, done)


def test_a_job_is_not_done_while_slurm_does_not_answer(squeue: Path) -> None:
    queue = Queue()
    queue.register_job("17")
    assert (queue.get_state("17"), queue.is_done("17")) == ("UNKNOWN", False)


def test_states_are_read_once_for_all_jobs_and_again_for_a_new_job(squeue: Path) -> None:
    squeue.write_text("17 RUNNING\n")
    queue = Queue(seconds=3600)
    queue.register_job("17")
    assert [queue.get_state("17") for _ in range(3)] == ["RUNNING"] * 3
    squeue.write_text("17 RUNNING\n18 PENDING\n")
    queue.register_job("18")
    assert [queue.get_state(job) for job in ("17", "18")] == ["RUNNING", "PENDING"]
    assert (squeue.parent / "calls").read_text() == "x\nx\n"


def test_states_are_read_again_after_some_time(squeue: Path) -> None:
    squeue.write_text("17 RUNNING\n")
    queue = Queue(seconds=0)
    queue.register_job("17")
    assert not queue.is_done("17")
    squeue.write_text("17 TIMEOUT\n")
    assert queue.is_done("17")
