"""Settings of all tests: eight virtual CPU devices, set before anything imports jax. A skipped test fails the run."""

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
# Bytecode is kept, whatever the machine's default: every command that a test starts would compile jax's sources again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = str(Path(__file__).parent.parent / ".cache" / "bytecode")
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = (
    "--xla_force_host_platform_device_count=8 --xla_backend_optimization_level=0"  # level 0 compiles in half the time
)
# By default XLA's thread pool has one thread per device. A device that waits in two collectives at once occupies two
# threads, so with a small pool all devices can wait for ever.
os.environ["NPROC"] = "32"
# Compiled programs are kept for later runs and for the commands that tests start. The folder can be deleted.
os.environ["JAX_COMPILATION_CACHE_DIR"] = str(Path(__file__).parent.parent / ".cache" / "jax")
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"

# A job in the background of a shell ignores SIGINT, and its children inherit that: tests could not interrupt them.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Files with this suffix import torch, which is only in the environment of the marker `parity`.
collect_ignore_glob = [] if importlib.util.find_spec("torch") else ["*_parity.py"]

hypothesis.settings.register_profile(
    "tests",
    deadline=None,  # the first example of a jitted function includes its compilation
    derandomize=True,  # the same examples in every run: a failure is caused by the change under test
    database=None,
)
hypothesis.settings.load_profile("tests")

if importlib.util.find_spec("lm_eval") is None:  # only in the environment of the marker `peers`
    collect_ignore_glob.append("*_peers.py")
# The oldest supported jax has no interpreter of GPU kernels.
if tuple(map(int, importlib.metadata.version("jax").split(".")[:2])) < (0, 12):
    collect_ignore_glob.append("*_interpreted.py")


@pytest.fixture(autouse=True)
def _no_cache_for_absent_devices(request: pytest.FixtureRequest) -> Iterator[None]:
    """Compile for GPUs without the cache, which cannot load a GPU's program on a machine without one."""
    if request.node.get_closest_marker("gpu_compile") is None:
        yield
        return
    from tanuki_jax.planning.plan.lowered_step import compiled_anew

    with compiled_anew():
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the folders of long tests first (`training`, `planning`, `lm` ...), so that both processes end together."""
    folder = Path(__file__).parent
    items.sort(key=lambda item: item.path.relative_to(folder).parts[0], reverse=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run with skipped tests: tests that some machines cannot run have a marker (`parity`, `long`) instead."""
    if hasattr(session.config, "workerinput"):
        return  # a worker of pytest-xdist; the main process counts
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    assert reporter is not None
    skipped = reporter.stats.get("skipped", [])
    if skipped and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line(f"\n{len(skipped)} skipped: a skipped test fails the run", red=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of tests/training/test_layouts.py: differences of each layout from one device."""
    passed = terminalreporter.stats.get("passed", [])
    rows = [(report.nodeid, value) for report in passed for name, value in report.user_properties if name == "layout"]
    if rows:
        terminalreporter.section("layouts, relative differences from one device")
        for node, value in sorted(rows):
            terminalreporter.write_line(f"{node.partition('[')[2].rstrip(']'):<40}{value}")
