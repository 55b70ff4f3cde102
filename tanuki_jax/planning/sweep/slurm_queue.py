"""States of SLURM jobs as squeue lists them. Unlike sacct, squeue needs no accounting database."""

import os
import subprocess
import threading
import time

from submitit.slurm.slurm import SlurmInfoWatcher

ENDED = {
    "BOOT_FAIL": "its node did not start",
    "CANCELLED": "it was cancelled",
    "COMPLETED": "it ended without a result",
    "DEADLINE": "its deadline has passed",
    "FAILED": "it failed",
    "NODE_FAIL": "its node failed",
    "OUT_OF_MEMORY": "its node had too little memory",
    "PREEMPTED": "another job took its nodes",
    "TIMEOUT": "it reached its time limit",
}
"""States of jobs that do not run again, and their meaning."""
GONE = "GONE"
"""State of a job that squeue no longer lists: SLURM forgets a job some minutes after its end."""


class Queue(SlurmInfoWatcher):
    """States of this user's jobs, for all jobs of a sweep at once and from several threads."""

    def __init__(self, seconds: float = 15.0) -> None:
        """Read nothing yet.

        Args:
            seconds: time between two readings, so that SLURM's controller is not overloaded.
        """
        super().__init__()
        self._seconds, self._lock = seconds, threading.Lock()
        self._states: dict[str, str] | None = None
        self._next_reading = 0.0

    def register_job(self, job_id: str) -> None:
        """Note that a job has been submitted: a list from before does not have it."""
        with self._lock:
            self._next_reading, self._states = 0.0, None

    def get_state(self, job_id: str, mode: str = "standard") -> str:
        """Return the state of a job, GONE, or UNKNOWN while SLURM's controller does not answer."""
        with self._lock:
            if time.monotonic() >= self._next_reading:
                self._states = _states()
                self._next_reading = time.monotonic() + self._seconds
            return "UNKNOWN" if self._states is None else self._states.get(job_id, GONE)

    def is_done(self, job_id: str, mode: str = "standard") -> bool:
        """Whether a job has ended and does not run again."""
        return self.get_state(job_id) in {*ENDED, GONE}


def _states() -> dict[str, str] | None:
    """Return the state of each job by its id; None if squeue fails."""
    command = ["squeue", f"--user={os.getuid()}", "--states=all", "--noheader", "--format=%A %T"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    if listed.returncode:
        return None
    return {job: state for job, _, state in (line.strip().partition(" ") for line in listed.stdout.splitlines())}
