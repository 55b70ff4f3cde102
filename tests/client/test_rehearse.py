"""The command that serves a mock teacher."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.rehearse import main
from tests.rehearsal import rehearsing


def test_the_command_serves_until_it_is_stopped(tmp_path: Path) -> None:
    with rehearsing(tmp_path / "log.jsonl", "--models", "狸", "--unavailable", "0") as teacher:
        body = json.dumps({"model": "狸", "prompt": "a", "user": "x"}).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{teacher.url}/completions", body)) as response:
            assert json.load(response)["choices"][0]["finish_reason"] == "stop"
    assert [line["id"] for line in teacher.log_lines()] == ["x"]


def test_the_program_of_the_page_runs(tmp_path: Path) -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "rehearsal.md").read_text("utf-8")
    [program] = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    with rehearsing(tmp_path / "log.jsonl") as teacher:
        program = program.replace("http://127.0.0.1:8010", teacher.url)
        shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "倍数" in shown and "'answered': 99" in shown
    assert len(teacher.log_lines()) == 99


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once_with_requests_under_way(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "tanuki_jax.rehearse", "--port=0", "--stalled=1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        body = json.dumps({"model": "rehearsal", "prompt": "a"}).encode()
        with pytest.raises(TimeoutError):
            urllib.request.urlopen(urllib.request.Request(f"{url}/completions", body), timeout=0.1)
        os.kill(process.pid, number)
        _, errors = process.communicate(timeout=3)
        assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--unavailable", "2"], "--unavailable is 2.0, and must be at least 0 and at most 1"),
        (["--port", "70000"], "--port is 70000, and must be at least 0 and at most 65535"),
        (["--down-between", "3", "1"], "--down-between is 3 1, and must end after its start"),
        (["--host", "no-such-host.invalid", "--port", "0"], "no-such-host.invalid:0 cannot be listened on: "),
        (["--key-variable", "NO_SUCH_KEY"], "NO_SUCH_KEY, the variable of the key, is not set"),
        (["--log", "/dev/null/log.jsonl"], "the log /dev/null/log.jsonl cannot be written: "),
    ],
)
def test_bad_options_are_refused_in_one_line(words: list[str], message: str) -> None:
    with pytest.raises(InputError) as raised:
        main(words)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


def test_help_answers_before_anything_large_is_imported() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "tanuki_jax.rehearse", "--help"], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.6
