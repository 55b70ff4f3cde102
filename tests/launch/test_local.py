"""Processes on this machine, with a stand-in for Python; tests/training/test_distributed.py trains in them."""

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
print("signals", times)
"""


def program(site: Site, script: str) -> str:
    """Return the path of a Python that runs a bash script instead of the training."""
    return str(site.program("python", f'if [[ $1 = -c ]]; then exec {sys.executable} "$@"; fi\n{script}'))


def test_every_process_gets_its_number_and_the_options(site: Site) -> None:
    script = 'echo "$JAX_PROCESS_ID of $JAX_NUM_PROCESSES at $JAX_COORDINATOR_ADDRESS, $JAX_PLATFORMS, $XLA_FLAGS, $*"'
    python = program(site, script)
    finished = site.run(
        "launch/local.sh", "3", "--config=tiny", "--name", "two words", PYTHON=python, XLA_FLAGS="--existing"
    )
    assert finished.returncode == 0
    lines = sorted(finished.stdout.splitlines())
    port = lines[0].split("localhost:")[1].split(",")[0]
    for number, line in enumerate(lines):
        assert line == (
            f"{number}: {number} of 3 at localhost:{port}, cpu, --existing --xla_force_host_platform_device_count=2,"
            " -m tanuki_jax.train --distributed --config=tiny --name two words"
        )
    assert len(lines) == 3


def test_the_number_of_devices_can_be_set(site: Site) -> None:
    finished = site.run("launch/local.sh", "2", PYTHON=program(site, 'echo "$XLA_FLAGS"'), DEVICES="16", XLA_FLAGS="")
    assert {line.split("=")[1] for line in finished.stdout.splitlines()} == {"16"}


def test_peers_of_a_failed_process_are_killed_and_its_code_is_kept(site: Site) -> None:
    script = (
        'trap "" INT TERM; if ((JAX_PROCESS_ID == 1)); then exit 7; fi; while true; do echo >>alive; sleep 0.1; done'
    )
    started = time.monotonic()
    failed = site.run("launch/local.sh", "3", PYTHON=program(site, script))
    assert failed.returncode == 7
    assert 4 < time.monotonic() - started < 20
    beats = (site.folder / "alive").read_text()
    time.sleep(0.5)
    assert (site.folder / "alive").read_text() == beats


def test_a_peer_that_exits_soon_after_a_failure_can_print_why(site: Site) -> None:
    script = 'if ((JAX_PROCESS_ID == 1)); then exit 2; fi; sleep 0.5; echo "my peer is gone" >&2; exit 3'
    failed = site.run("launch/local.sh", "2", PYTHON=program(site, script))
    assert (failed.returncode, failed.stdout) == (2, "0: my peer is gone\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_reaches_every_process_once(site: Site, number: signal.Signals) -> None:
    """Send it to the script's process group, as a terminal sends Ctrl-C; the processes exit some time later."""
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
    assert sorted(out.splitlines()) == ["0: signals 1", "1: signals 1"]


def test_all_processes_restart_after_a_failure_at_most_restarts_times(site: Site) -> None:
    """Fail the first process, and then the second, in the first and second attempt."""
    attempts = "echo >>attempts.$JAX_PROCESS_ID; times=$(wc -l <attempts.$JAX_PROCESS_ID)"
    script = f"""{attempts}; echo "$times" "$JAX_COORDINATOR_ADDRESS"
        if ((times < 3)); then [[ $JAX_PROCESS_ID = 0 ]] && exit $((times + 3)); sleep 0.5; exit 9; fi"""
    resuming = "launch/local.sh: ended with code {}; resuming from the newest checkpoint"
    finished = site.run("launch/local.sh", "2", PYTHON=program(site, script), RESTARTS="2")
    assert finished.returncode == 0
    lines = finished.stdout.splitlines()
    assert [line for line in lines if line.startswith("launch")] == [resuming.format(4), resuming.format(5)]
    reports = {tuple(line.split()) for line in lines if not line.startswith("launch")}
    assert {(number, times) for number, times, _ in reports} == {
        (f"{number}:", f"{times}") for number in range(2) for times in (1, 2, 3)
    }
    assert all(len({address for _, times, address in reports if times == attempt}) == 1 for attempt in "123")


@pytest.mark.parametrize(("code", "attempts"), [(7, 2), (2, 1), (3, 1)])
def test_a_failure_that_would_repeat_is_not_restarted(site: Site, code: int, attempts: int) -> None:
    """Fail the second process so, after the first has failed with another code."""
    script = f"echo started; if ((JAX_PROCESS_ID == 1)); then sleep 0.5; exit {code}; fi; exit 7"
    failed = site.run("launch/local.sh", "2", PYTHON=program(site, script), RESTARTS="1")
    assert (failed.returncode, failed.stdout.count("started")) == (code, 2 * attempts)


def test_a_stopped_run_is_not_restarted(site: Site) -> None:
    script = "trap 'exit 9' TERM; echo started; for ((i = 0; i < 200; i++)); do sleep 0.1; done"
    process = site.start("launch/local.sh", "1", PYTHON=program(site, script), RESTARTS="5")
    assert process.stdout is not None and process.stdout.readline() == "0: started\n"
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 9 and "resuming" not in out


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        ((), {}, "the first argument should be the number of processes, not ''"),
        (("--config=tiny",), {}, "the first argument should be the number of processes, not '--config=tiny'"),
        (("0",), {}, "the first argument should be the number of processes, not '0'"),
        (("9",), {}, "'0' is not a number of devices for each of 9 processes; set DEVICES (default: 8 / N)"),
        (
            ("2",),
            {"DEVICES": "all"},
            "'all' is not a number of devices for each of 2 processes; set DEVICES (default: 8 / N)",
        ),
        (("2",), {"RESTARTS": "often"}, "RESTARTS should be a number of restarts, not 'often'"),
        (
            ("2",),
            {"PYTHON": "nowhere/python"},
            "there is no program nowhere/python; set PYTHON to the interpreter that has tanuki_jax",
        ),
    ],
)
def test_wrong_arguments_are_refused(
    site: Site, arguments: tuple[str, ...], environment: dict[str, str], message: str
) -> None:
    refused = site.run("launch/local.sh", *arguments, **environment)
    assert (refused.returncode, refused.stdout, refused.stderr) == (2, "", f"launch/local.sh: {message}\n")
