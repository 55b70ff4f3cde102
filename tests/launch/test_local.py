"""Processes on this machine, with a stand-in for Python; tests/train/test_run.py trains in them."""

import os
import signal
import sys
import time

import pytest

from tests.launch.conftest import Site

COUNTS_SIGNALS = """
import signal, time
times = 0
def count(number, frame):
    global times
    times += 1
signal.signal(signal.SIGINT, count), signal.signal(signal.SIGTERM, count)
print("ready", flush=True)
deadline = time.monotonic() + 20
while not times and time.monotonic() < deadline:
    time.sleep(0.01)
time.sleep(0.3)
print("heard", times)
"""


def program(site: Site, script: str) -> str:
    """A Python that runs a bash script in place of the training."""
    return str(site.program("python", f'if [[ $1 = -c ]]; then exec {sys.executable} "$@"; fi\n{script}'))


def test_every_process_is_told_who_it_is_and_what_to_do(site: Site) -> None:
    said = 'echo "$JAX_PROCESS_ID of $JAX_NUM_PROCESSES at $JAX_COORDINATOR_ADDRESS, $JAX_PLATFORMS, $XLA_FLAGS, $*"'
    finished = site.run("launch/local.sh", "3", "--config=tiny", "--name", "two words", PYTHON=program(site, said), XLA_FLAGS="--mine")
    assert finished.returncode == 0
    lines = sorted(finished.stdout.splitlines())
    port = lines[0].split("localhost:")[1].split(",")[0]
    for number, line in enumerate(lines):
        assert line == (
            f"{number}: {number} of 3 at localhost:{port}, cpu, --mine --xla_force_host_platform_device_count=2,"
            " -m tanuki_jax.train --distributed --config=tiny --name two words"
        )
    assert len(lines) == 3


def test_devices_may_be_counted_out(site: Site) -> None:
    finished = site.run("launch/local.sh", "2", PYTHON=program(site, 'echo "$XLA_FLAGS"'), DEVICES="16", XLA_FLAGS="")
    assert {line.split("=")[1] for line in finished.stdout.splitlines()} == {"16"}


def test_what_waits_for_a_failed_process_is_ended_and_the_first_exit_code_kept(site: Site) -> None:
    script = 'trap "" INT TERM; if ((JAX_PROCESS_ID == 1)); then exit 7; fi; while true; do echo >>alive; sleep 0.1; done'
    begun = time.monotonic()
    failed = site.run("launch/local.sh", "3", PYTHON=program(site, script))
    assert failed.returncode == 7
    assert 4 < time.monotonic() - begun < 20
    beats = (site.folder / "alive").read_text()
    time.sleep(0.5)
    assert (site.folder / "alive").read_text() == beats


def test_what_ends_by_itself_after_a_failure_may_say_why(site: Site) -> None:
    script = 'if ((JAX_PROCESS_ID == 1)); then exit 2; fi; sleep 0.5; echo "my peer is gone" >&2; exit 3'
    failed = site.run("launch/local.sh", "2", PYTHON=program(site, script))
    assert (failed.returncode, failed.stdout) == (2, "0: my peer is gone\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_reaches_every_process_once(site: Site, number: signal.Signals) -> None:
    """To the group of the script's processes, as a terminal sends Ctrl-C; a process may take its time to answer."""
    program = site.folder / "program.py"
    program.write_text(COUNTS_SIGNALS)
    python = site.program("python", f'if [[ $1 = -m ]]; then exec {sys.executable} {program}; fi; exec {sys.executable} "$@"')
    process = site.start("launch/local.sh", "2", PYTHON=str(python))
    assert process.stdout is not None
    for _ in range(2):
        assert process.stdout.readline().endswith(": ready\n")
    os.killpg(process.pid, number)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert sorted(out.splitlines()) == ["0: heard 1", "1: heard 1"]


@pytest.mark.parametrize(
    ("words", "environment", "sentence"),
    [
        ((), {}, "the first word is the number of processes, not ''"),
        (("--config=tiny",), {}, "the first word is the number of processes, not '--config=tiny'"),
        (("0",), {}, "the first word is the number of processes, not '0'"),
        (("9",), {}, "each of 9 processes would have '0' of 8 devices; DEVICES says how many it has"),
        (("2",), {"DEVICES": "all"}, "each of 2 processes would have 'all' of 8 devices; DEVICES says how many it has"),
        (("2",), {"PYTHON": "nowhere/python"}, "there is no program nowhere/python; PYTHON names the interpreter that has tanuki_jax"),
    ],
)
def test_what_cannot_be_started_is_refused_in_a_sentence(
    site: Site, words: tuple[str, ...], environment: dict[str, str], sentence: str
) -> None:
    refused = site.run("launch/local.sh", *words, **environment)
    assert (refused.returncode, refused.stdout, refused.stderr) == (2, "", f"launch/local.sh: {sentence}\n")
