"""End of a process that makes no progress."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

BEGIN = """
import ctypes, json, os, threading, time
from pathlib import Path
from tanuki_jax.config import supervision
from tanuki_jax.training.watchdog import Watchdog

def log_event(event, **details):
    Path("event").write_text(json.dumps({"event": event} | details))

def watchdog(multiple, least_seconds):
    return Watchdog(supervision.Watchdog(multiple=multiple, least_seconds=least_seconds), Path("."), log_event)
"""

BLOCKS = """
def wait_for_a_pipe():
    nobody_writes, _ = os.pipe()
    os.read(nobody_writes, 1)

with watchdog(0, 0.0) as watched:
    for pause in (0, 0, 0.3):
        with watched.during("step"):
            time.sleep(pause)
with watchdog(1, 0.1) as watched:
    for _ in range(3):
        with watched.during("step"):
            pass
time.sleep(0.3)
assert threading.active_count() == 1

with watchdog(40, 0.3) as watched:
    for kind in ("step", "evaluation", "save"):
        with watched.during(kind):
            time.sleep(0.6)
    for _ in range(30):
        with watched.during("step"):
            time.sleep(0.03)
    with watched.during("step"):
        time.sleep(0.45)
    print("so far, so good", flush=True)
    loader = threading.Thread(target=wait_for_a_pipe, name="loader")
    loader.start()
    with watched.during("step"):
        loader.join()
"""

HOLDS_THE_LOCK = """
def hold():
    ctypes.PyDLL(None).sleep(100)

with watchdog(20, 0.4) as watched:
    for _ in range(2):
        with watched.during("step"):
            time.sleep(0.1)
    hold()
"""


def run(folder: Path, program: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", BEGIN + program]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=90, check=False)


def test_a_blocked_process_is_ended_and_its_stacks_are_written(tmp_path: Path) -> None:
    """Not without a multiple, not outside the context, not in first pieces, not in one that takes 15 times as long."""
    ended = run(tmp_path, BLOCKS)
    assert (ended.returncode, ended.stdout) == (4, "so far, so good\n"), ended.stderr
    (stacks,) = (tmp_path / "stacks").iterdir()
    assert stacks.name.startswith("0-") and stacks.suffix == ".txt"
    for report in (ended.stderr, stacks.read_text()):
        assert "in wait_for_a_pipe" in report and "in join" in report
        assert re.search(r"stuck: this step has taken [1-9]\.\d s so far, and 0\.0\d+ s is usual", report)
    event = json.loads((tmp_path / "event").read_text())
    assert event["seconds"] > 40 * event["usual"] and event["seconds"] > 1.2
    assert event == event | {"event": "stuck", "piece": "step", "stacks": f"stacks/{stacks.name}"}


@pytest.mark.long
def test_a_process_that_holds_the_lock_of_python_is_ended_too(tmp_path: Path) -> None:
    begun = time.monotonic()
    ended = run(tmp_path, HOLDS_THE_LOCK)
    assert ended.returncode == 1 and "in hold" in ended.stderr
    assert 25 < time.monotonic() - begun < 60
