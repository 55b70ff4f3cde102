"""Where all tests run: eight virtual CPU devices, set before anything imports jax. A skipped test fails the run."""

import importlib.metadata
import importlib.util
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

assert "jax" not in sys.modules, "jax was imported before the tests could choose its devices"
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = (
    "--xla_force_host_platform_device_count=8 --xla_backend_optimization_level=0"  # compiles in half the time
)
# XLA runs devices on a pool of as many threads as there are. One that waits in two collectives at once takes two: then all may wait.
os.environ["NPROC"] = "32"
# What was compiled once is read back, in later runs and by the commands that tests start. The folder may be deleted at any time.
os.environ["JAX_COMPILATION_CACHE_DIR"] = str(Path(__file__).parent.parent / ".cache" / "jax")
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"

signal.signal(
    signal.SIGINT, signal.default_int_handler
)  # a job in a shell's background ignores it, and so would what tests interrupt

# Files named so import torch, which has an environment of its own, where they are asked for by their marker.
collect_ignore_glob = [] if importlib.util.find_spec("torch") else ["*_parity.py"]

hypothesis.settings.register_profile(
    "house",
    deadline=None,  # the first example of a jitted function pays for its compilation
    derandomize=True,  # a change is judged by its own faults
    database=None,
)
hypothesis.settings.load_profile("house")

# Jax's interpreter of GPU kernels is younger than the oldest jax that is supported.
if tuple(map(int, importlib.metadata.version("jax").split(".")[:2])) < (0, 12):
    collect_ignore_glob.append("*_interpreted.py")


@pytest.fixture(autouse=True)
def _compiled_anew_for_devices_that_are_not_here(request: pytest.FixtureRequest) -> Iterator[None]:
    """What is compiled for a GPU cannot be read back from the cache without one."""
    if request.node.get_closest_marker("gpu_compile") is None:
        yield
        return
    from tanuki_jax.planning.plan.lowered_step import compiled_anew

    with compiled_anew():
        yield


def pytest_sessionfinish(session: pytest.Session) -> None:
    """What a machine cannot run has a marker (`parity`, `long`), so a skip means that something is missing here."""
    if hasattr(session.config, "workerinput"):
        return  # one of pytest-xdist's workers: the process that started it counts
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    assert reporter is not None
    skipped = reporter.stats.get("skipped", [])
    if skipped and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line(f"\n{len(skipped)} skipped: a skipped test fails the run", red=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table of layouts (tests/training/test_layouts.py): what was found of each, against one device."""
    passed = terminalreporter.stats.get("passed", [])
    found = [(report.nodeid, value) for report in passed for name, value in report.user_properties if name == "layout"]
    if found:
        terminalreporter.section("layouts, relative differences from one device")
        for node, value in sorted(found):
            terminalreporter.write_line(f"{node.partition('[')[2].rstrip(']'):<40}{value}")
