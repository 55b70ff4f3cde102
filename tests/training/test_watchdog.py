"""What happens to a process that makes no progress."""

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
from tanuki_jax.config import experiment
from tanuki_jax.training.watchdog import Watchdog

def log_event(event, **details):
    Path("event").write_text(json.dumps({"event": event} | details))

def watchdog(multiple, least_seconds):
    return Watchdog(experiment.Watchdog(multiple=multiple, least_seconds=least_seconds), Path("."), log_event)
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


def test_what_blocks_for_good_is_ended_and_its_stacks_say_where(tmp_path: Path) -> None:
    """Not without a multiple or outside the context; nor the first pieces, nor one that takes longer than usual, but not 40 times."""
    ended = run(tmp_path, BLOCKS)
    assert (ended.returncode, ended.stdout) == (4, "so far, so good\n"), ended.stderr
    (stacks,) = (tmp_path / "stacks").iterdir()
    assert stacks.name.startswith("0-") and stacks.suffix == ".txt"
    for said in (ended.stderr, stacks.read_text()):
        assert "in wait_for_a_pipe" in said and "in join" in said
        assert re.search(r"stuck: this step has taken [1-9]\.\d s so far, and 0\.0\d+ s is usual", said)
    event = json.loads((tmp_path / "event").read_text())
    assert event["seconds"] > 40 * event["usual"] and event["seconds"] > 1.2
    assert event == event | {"event": "stuck", "piece": "step", "stacks": f"stacks/{stacks.name}"}


@pytest.mark.long
def test_one_that_holds_the_lock_of_the_interpreter_is_ended_all_the_same(tmp_path: Path) -> None:
    begun = time.monotonic()
    ended = run(tmp_path, HOLDS_THE_LOCK)
    assert ended.returncode == 1 and "in hold" in ended.stderr
    assert 25 < time.monotonic() - begun < 60
