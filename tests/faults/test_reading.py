"""Reads of the token store that sometimes fail."""

import errno
import os

import pytest

from tests.faults.conftest import Record
from tests.faults.preload import FailingIO
from tests.faults.runs import Runs
from tests.training.conftest import Workspace

pytestmark = pytest.mark.faults

TIMES = 50
ERRORS = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN)
STORE = "/stores/files/"


def test_failed_reads_are_retried(
    runs: Runs, plain: Workspace, failing_io: FailingIO, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fail every third call, in each run with another error; the packing plan beside the store exists already."""
    undisturbed = runs.finish("read")
    turn = 0
    while len(failing_io.failed()) < TIMES:
        before, number = len(failing_io.failed()), ERRORS[turn % len(ERRORS)]
        with monkeypatch.context() as patch:
            for name, value in failing_io.environment(
                STORE, on="reads", every=3, after=turn % 3, number=number
            ).items():
                patch.setenv(name, value)
            run = plain.run("train", f"--config={plain.config}", "--name", f"read{turn}")
        assert run.returncode == 0, run.stderr
        assert run.stderr.count(f"failed ({os.strerror(number)}); trying again in") > 0
        assert len(failing_io.failed()) > before
        assert plain.metrics(f"read{turn}") == undisturbed
        turn += 1
    record("reads of the store fail sometimes", len(failing_io.failed()), f"retried, same batches in {turn} runs")
