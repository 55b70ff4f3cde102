"""A data worker or a device call that never returns."""

import random
import signal

import pytest

from tanuki_jax.base.errors import STUCK
from tests.faults.conftest import Record
from tests.faults.preload import FailingIO
from tests.faults.runs import Runs
from tests.training.conftest import Workspace

pytestmark = pytest.mark.faults

TIMES = 5
IMPATIENT = ("--watchdog.least-seconds", "3", "--watchdog.multiple", "2")
CALLS = 12
"""Reads of token files that a run lets pass, and sometimes one more: those of its first steps, before the watchdog knows how long one
takes. After fourteen it has read all of its small store."""


def test_a_stuck_read_is_written_down(
    runs: Runs, plain: Workspace, failing_io: FailingIO, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = runs.finish("loose")
    for time in range(TIMES):
        with monkeypatch.context() as patch:
            for name, value in failing_io.environment(
                "/stores/files/tokens/c/", on="reads", after=CALLS + time % 2, number=0
            ).items():
                patch.setenv(name, value)
            run = plain.run("train", f"--config={plain.config}", "--name", f"stuck{time}", *IMPATIENT)
        assert run.returncode == STUCK, run.stderr
        stacks = [path.read_text() for path in (runs.folder(f"stuck{time}") / "stacks").iterdir()]
        assert len(stacks) == 1 and "store.py" in stacks[0]
        assert runs.finish(f"stuck{time}") == undisturbed
    record("a stuck data worker", TIMES, f"stacks dumped, exit {STUCK}; started again, metrics bit-identical")


def test_a_stuck_device_call_is_written_down(runs: Runs, record: Record) -> None:
    """One of two processes is stopped, so that what both compute never ends; as its heart stops too, the other may learn that first."""
    words = ("--steps", "200", "--layout.fsdp", "8", *IMPATIENT)
    chance = random.Random(5)
    for time in range(TIMES):
        name = f"waiting{time}"
        pair = runs.start_pair("--name", name, *words)
        pair[0].wait_until(lambda name=name: runs.steps(name) >= chance.randrange(4, 9))  # type: ignore[misc]
        assert pair[1].signal(signal.SIGSTOP)
        assert pair[0].code() == STUCK, pair[0].said
        assert pair[1].signal(signal.SIGKILL)
        assert list((runs.folder(name) / "stacks").iterdir())
    record("a stuck device call", TIMES, f"stacks dumped, exit {STUCK}")
