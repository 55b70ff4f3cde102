"""Processes on this machine, with a stand-in for Python; tests/training/test_job.py trains in them."""

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
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
    signal.signal(number, count)
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
    finished = site.run(
        "launch/local.sh", "3", "--config=tiny", "--name", "two words", PYTHON=program(site, said), XLA_FLAGS="--mine"
    )
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
    script = (
        'trap "" INT TERM; if ((JAX_PROCESS_ID == 1)); then exit 7; fi; while true; do echo >>alive; sleep 0.1; done'
    )
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_reaches_every_process_once(site: Site, number: signal.Signals) -> None:
    """To the group of the script's processes, as a terminal sends Ctrl-C; a process may take its time to answer."""
    program = site.folder / "program.py"
    program.write_text(COUNTS_SIGNALS)
    python = site.program(
        "python", f'if [[ $1 = -m ]]; then exec {sys.executable} {program}; fi; exec {sys.executable} "$@"'
    )
    process = site.start("launch/local.sh", "2", PYTHON=str(python))
    assert process.stdout is not None
    for _ in range(2):
        assert process.stdout.readline().endswith(": ready\n")
    os.killpg(process.pid, number)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert sorted(out.splitlines()) == ["0: heard 1", "1: heard 1"]


def test_all_begin_again_after_a_failure_as_often_as_they_may(site: Site) -> None:
    """At the first and second attempt the first process fails, and then the second."""
    attempts = "echo >>attempts.$JAX_PROCESS_ID; times=$(wc -l <attempts.$JAX_PROCESS_ID)"
    script = f"""{attempts}; echo "$times" "$JAX_COORDINATOR_ADDRESS"
        if ((times < 3)); then [[ $JAX_PROCESS_ID = 0 ]] && exit $((times + 3)); sleep 0.5; exit 9; fi"""
    gone_on = "launch/local.sh: ended with code {}; going on from the newest checkpoint"
    finished = site.run("launch/local.sh", "2", PYTHON=program(site, script), RESTARTS="2")
    assert finished.returncode == 0
    lines = finished.stdout.splitlines()
    assert [line for line in lines if line.startswith("launch")] == [gone_on.format(4), gone_on.format(5)]
    said = {tuple(line.split()) for line in lines if not line.startswith("launch")}
    assert {(who, times) for who, times, _ in said} == {
        (f"{who}:", f"{times}") for who in range(2) for times in (1, 2, 3)
    }
    assert all(len({address for _, times, address in said if times == attempt}) == 1 for attempt in "123")


@pytest.mark.parametrize(("code", "attempts"), [(7, 2), (2, 1), (3, 1)])
def test_what_would_be_refused_again_does_not_begin_again(site: Site, code: int, attempts: int) -> None:
    """Whoever says so, also when another failed before."""
    script = f"echo begun; if ((JAX_PROCESS_ID == 1)); then sleep 0.5; exit {code}; fi; exit 7"
    failed = site.run("launch/local.sh", "2", PYTHON=program(site, script), RESTARTS="1")
    assert (failed.returncode, failed.stdout.count("begun")) == (code, 2 * attempts)


def test_what_was_told_to_leave_does_not_begin_again(site: Site) -> None:
    script = "trap 'exit 9' TERM; echo begun; for ((i = 0; i < 200; i++)); do sleep 0.1; done"
    process = site.start("launch/local.sh", "1", PYTHON=program(site, script), RESTARTS="5")
    assert process.stdout is not None and process.stdout.readline() == "0: begun\n"
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 9 and "going on" not in out


@pytest.mark.parametrize(
    ("words", "environment", "sentence"),
    [
        ((), {}, "the first word is the number of processes, not ''"),
        (("--config=tiny",), {}, "the first word is the number of processes, not '--config=tiny'"),
        (("0",), {}, "the first word is the number of processes, not '0'"),
        (("9",), {}, "each of 9 processes would have '0' of 8 devices; DEVICES says how many it has"),
        (("2",), {"DEVICES": "all"}, "each of 2 processes would have 'all' of 8 devices; DEVICES says how many it has"),
        (("2",), {"RESTARTS": "often"}, "RESTARTS is the number of times to start again, not 'often'"),
        (
            ("2",),
            {"PYTHON": "nowhere/python"},
            "there is no program nowhere/python; PYTHON names the interpreter that has tanuki_jax",
        ),
    ],
)
def test_what_cannot_be_started_is_refused_in_a_sentence(
    site: Site, words: tuple[str, ...], environment: dict[str, str], sentence: str
) -> None:
    refused = site.run("launch/local.sh", *words, **environment)
    assert (refused.returncode, refused.stdout, refused.stderr) == (2, "", f"launch/local.sh: {sentence}\n")
