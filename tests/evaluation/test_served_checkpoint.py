"""A server that begins and ends with the block, or with the process that started it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.served_checkpoint import CannotServe, check_checkpoint, served_checkpoint

SERVER = """
import os, sys
from pathlib import Path
folder = Path(sys.argv[1])
print("loading", file=sys.stderr)
print("listening on http://127.0.0.1:7/v1, which is described at /docs", file=sys.stderr, flush=True)
for number in range(20_000):
    print(number, "more than a pipe holds, if nobody reads it", file=sys.stderr)
(folder / "words").write_text(" ".join(sys.argv[2:]))
(folder / "part").write_text(str(os.getpid()))
(folder / "part").rename(folder / "process")
while os.read(0, 1):
    pass
(folder / "ended").write_text("")
"""
OWNER = """
import sys, time
from tanuki_jax.evaluation.served_checkpoint import served_checkpoint
with served_checkpoint("runs/a", serve=sys.argv[1:]):
    time.sleep(600)
"""


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} has not come"
        time.sleep(0.01)


def server(folder: Path, code: str = SERVER) -> tuple[str, ...]:
    (folder / "server.py").write_text(code)
    return (sys.executable, str(folder / "server.py"), str(folder))


def test_a_server_lasts_as_long_as_the_block(tmp_path: Path) -> None:
    with served_checkpoint("runs/a", serve=server(tmp_path)) as url:
        assert url == "http://127.0.0.1:7/v1"
        wait_for(tmp_path / "process")
    assert (tmp_path / "words").read_text() == "--checkpoint runs/a --port 0 --end-with-stdin"
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "process").read_text()), 0)


def test_an_idle_server_leaves_this_process_as_it_is(tmp_path: Path) -> None:
    with served_checkpoint("runs/a", idle=True, serve=server(tmp_path)):
        wait_for(tmp_path / "process")
        process = int((tmp_path / "process").read_text())
        assert os.sched_getscheduler(process) == os.SCHED_IDLE and os.getsid(process) == process
        sessions = Path(f"/proc/{process}/autogroup")
        assert not sessions.exists() or sessions.read_text().endswith("nice 19\n")
    assert os.sched_getscheduler(0) != os.SCHED_IDLE


def test_a_checkpoint_that_cannot_be_served_has_the_servers_words(tmp_path: Path) -> None:
    refusing = server(tmp_path, "import sys; sys.exit('loading\\ntanuki_jax.serve: there is no checkpoint at runs/a')")
    refusal = "^runs/a cannot be served: there is no checkpoint at runs/a$"
    with pytest.raises(InputError, match=refusal), served_checkpoint("runs/a", serve=refusing):
        pass


@pytest.mark.parametrize(
    ("file", "asked"),
    [
        ("a/state.json", "a"),
        ("a/8/state.json", "a"),
        ("a/checkpoints/8/state.json", "a"),
        ("a/model-1.safetensors", "a"),
        ("a/state.json", "other=a"),
        ("b=a/state.json", "b=a"),
        ("b=a/state.json", "other=b=a"),
    ],
)
def test_a_checkpoint_is_known_by_its_files(
    file: str, asked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).touch()
    check_checkpoint(asked)
    (tmp_path / file).unlink()
    with pytest.raises(CannotServe, match=r"^there is no checkpoint in (a|b=a)$"):
        check_checkpoint(asked)


@pytest.mark.parametrize("asked", ["a", "name=a"])
def test_a_checkpoint_that_is_not_there_is_said_at_once(asked: str) -> None:
    with pytest.raises(CannotServe, match=r"^there is no checkpoint at a: no such folder$"):
        check_checkpoint(asked)


def test_a_killed_process_leaves_no_server(tmp_path: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, *server(tmp_path)], stderr=subprocess.DEVNULL)
    wait_for(tmp_path / "process")
    assert not (tmp_path / "ended").exists()
    owner.kill()
    owner.wait()
    wait_for(tmp_path / "ended")
