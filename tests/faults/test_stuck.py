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
"""Reads of token files that succeed: those of the first steps, in which the watchdog learns the time of a step. In
every second run one more succeeds. After fourteen the run has read all of its small store."""


def test_a_stuck_read_is_logged(
    runs: Runs, plain: Workspace, failing_io: FailingIO, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = runs.finish("not_stuck")
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
    record("a stuck data worker", TIMES, f"stacks dumped, exit {STUCK}; restarted, metrics bit-identical")


def test_a_stuck_device_call_is_logged(runs: Runs, record: Record) -> None:
    """Stop one of two processes, so that their collective never ends; or the other misses the heartbeat first."""
    options = ("--steps", "200", "--layout.fsdp", "8", *IMPATIENT)
    chance = random.Random(5)
    for time in range(TIMES):
        name = f"waiting{time}"
        pair = runs.start_pair("--name", name, *options)
        pair[0].wait_until(lambda name=name: runs.steps(name) >= chance.randrange(4, 9))  # type: ignore[misc]
        assert pair[1].signal(signal.SIGSTOP)
        assert pair[0].code() == STUCK, pair[0].output
        assert pair[1].signal(signal.SIGKILL)
        assert list((runs.folder(name) / "stacks").iterdir())
    record("a stuck device call", TIMES, f"stacks dumped, exit {STUCK}")
