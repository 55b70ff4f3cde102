"""File locks: free as soon as the last process that holds them has ended."""

import signal
import subprocess
import sys
from pathlib import Path

from tanuki_jax.base.claims import Claim, exclusive

HOLD = """
import sys, time
from pathlib import Path
from tanuki_jax.base.claims import Claim
assert Claim.attempt(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_a_lock_is_held_once_even_within_a_process(tmp_path: Path) -> None:
    claim = Claim.attempt(tmp_path / "lock")
    assert claim is not None
    assert Claim.attempt(tmp_path / "lock") is None
    claim.release()
    assert Claim.attempt(tmp_path / "lock") is not None


def test_a_killed_process_frees_its_lock(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        assert Claim.attempt(tmp_path / "lock") is None
        process.send_signal(signal.SIGKILL)
    assert Claim.attempt(tmp_path / "lock") is not None


def test_a_process_started_with_a_lock_holds_it_too(tmp_path: Path) -> None:
    claim = Claim.attempt(tmp_path / "lock")
    assert claim is not None
    with subprocess.Popen(["sleep", "60"], pass_fds=[claim.descriptor]) as process:
        claim.release()
        assert Claim.attempt(tmp_path / "lock") is None
        process.kill()
    assert Claim.attempt(tmp_path / "lock") is not None


def test_an_exclusive_block_holds_the_lock(tmp_path: Path) -> None:
    with exclusive(tmp_path / "lock"):
        assert Claim.attempt(tmp_path / "lock") is None
    assert Claim.attempt(tmp_path / "lock") is not None
