"""Claims: free when their holder has ended, on this host at once, on another one when it has been silent for long."""

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tanuki_jax.base.leases import EXPIRY_SECONDS, Leases, claim_path, delete_claims

HOLD = """
import pathlib, sys, time
from tanuki_jax.base.leases import Leases
with Leases(pathlib.Path(sys.argv[1])) as leases:
    assert leases.attempt("a")
    print("held", flush=True)
    time.sleep(60)
"""


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_a_claim_is_granted_once_until_it_is_released(tmp_path: Path) -> None:
    with Leases(tmp_path) as one, Leases(tmp_path) as other:
        assert one.attempt("a") and one.attempt("b")
        assert not other.attempt("a") and not one.attempt("a")
        age(claim_path(tmp_path, "a"), 10 * EXPIRY_SECONDS)
        assert not other.attempt("a"), "a lock that is held counts, however old its file is"
        one.release("a")
        assert other.attempt("a") and not other.attempt("b")
    assert list(tmp_path.iterdir()) == []


def test_a_killed_process_of_this_host_frees_its_claims_at_once(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        with Leases(tmp_path) as leases:
            assert not leases.attempt("a")
            process.send_signal(signal.SIGKILL)
            process.wait()
            assert leases.attempt("a")


@pytest.mark.parametrize("content", ["", json.dumps({"host": "another", "process": 7})])
def test_a_claim_of_a_dead_host_is_granted_when_it_expires(tmp_path: Path, content: str) -> None:
    path = claim_path(tmp_path, "a")
    path.write_text(content)
    with Leases(tmp_path) as leases:
        age(path, EXPIRY_SECONDS - 20)
        assert not leases.attempt("a") and path.read_text() == content
        age(path, EXPIRY_SECONDS + 1)
        assert leases.attempt("a")
        assert json.loads(path.read_text())["process"] == os.getpid()
        assert time.time() - path.stat().st_mtime < 5


def test_without_locks_a_claim_lasts_while_it_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: object, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with Leases(tmp_path, touch_seconds=0.02) as living, Leases(tmp_path, touch_seconds=1_000) as silent:
        assert living.attempt("a") and silent.attempt("b")
        for name in ("a", "b"):
            age(claim_path(tmp_path, name), 2 * EXPIRY_SECONDS)
        deadline = time.monotonic() + 10
        while time.time() - claim_path(tmp_path, "a").stat().st_mtime > EXPIRY_SECONDS:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        with Leases(tmp_path) as other:
            assert not other.attempt("a") and other.attempt("b")


def test_no_claim_is_granted_twice_to_many_at_once(tmp_path: Path) -> None:
    def claimed(_: int) -> list[str]:
        with Leases(tmp_path) as leases:
            names = [name for name in map(str, range(200)) if leases.attempt(name)]
            start.wait()
            return names

    start = threading.Barrier(6, timeout=30)
    with ThreadPoolExecutor(6) as threads:
        granted = [name for names in threads.map(claimed, range(6)) for name in names]
    assert sorted(granted) == sorted(map(str, range(200)))


def test_a_folder_that_is_gone_grants_no_claim(tmp_path: Path) -> None:
    with Leases(tmp_path / "gone") as leases:
        assert not leases.attempt("a")


def test_claims_of_the_dead_are_deleted_and_others_kept(tmp_path: Path) -> None:
    for name in ("dead", "elsewhere"):
        claim_path(tmp_path, name).write_text(json.dumps({"host": name, "process": 7}))
    age(claim_path(tmp_path, "dead"), 2 * EXPIRY_SECONDS)
    assert not delete_claims(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".elsewhere.claim"]
    age(claim_path(tmp_path, "elsewhere"), 2 * EXPIRY_SECONDS)
    assert delete_claims(tmp_path) and list(tmp_path.iterdir()) == []
