"""One trainer a run folder."""

import errno
import fcntl
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.training.runs.run_lock import locked

HOLD = """
import pathlib, sys, time
from tanuki_jax.training.runs.run_lock import locked
with locked(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLD, str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_trainer_is_refused_by_the_name_of_the_first(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused, locked(tmp_path / "run", patience=0.3):
        pass
    named = f"process {holder.pid} on host {socket.gethostname()}"
    assert f"{tmp_path / 'run'} has another trainer, {named}: a run has one at a time" in str(refused.value)
    with locked(tmp_path / "another"):
        pass
    assert not (tmp_path / "another").exists()


def test_a_dead_trainer_keeps_no_lock(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    with locked(tmp_path / "run"):
        pass
    holder.wait()
    message = f"process {os.getpid()} on"
    with (
        locked(tmp_path / "run", patience=0),
        pytest.raises(InputError, match=message),
        locked(tmp_path / "run", patience=0),
    ):
        pass


def test_a_file_system_without_locks_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(file: object, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with locked(tmp_path / "run"):
        pass
    assert "has no locks (No locks available): nothing stops a second trainer there" in caplog.text
