"""Shared fixtures of the tests of faults, and the table that they print: fault, times, outcome, seconds."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.preload import FailingIO, compiled
from tests.faults.runs import Runs
from tests.training.conftest import Workspace, plain_documents, poison, poisoned_workspace

PROPERTY = "fault"
HEADER = ("fault", "times", "outcome", "seconds")

type Record = Callable[[str, int, str], None]


@pytest.fixture
def record(record_property: Callable[[str, object], None]) -> Record:
    """Return a function that adds a line to the table: (fault, times, outcome)."""
    start = time.monotonic()

    def add(fault: str, times: int, outcome: str) -> None:
        record_property(PROPERTY, json.dumps([fault, times, outcome, round(time.monotonic() - start)]))

    return add


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 16 MiB in memory, which only root can do."""
    assert os.geteuid() == 0, "only root can mount a file system; run these tests as root, in a container"
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(disk: Path, leave: int) -> Path:
    """Fill the disk but for some bytes."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        file.write(bytes(max(0, shutil.disk_usage(disk).free - leave)))
    return ballast


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table, sorted by fault."""
    passed = terminalreporter.stats.get("passed", [])
    lines = sorted(json.loads(value) for report in passed for name, value in report.user_properties if name == PROPERTY)
    failed = [
        [report.nodeid.rpartition("::")[2], "", "FAILED", round(report.duration)]
        for report in terminalreporter.stats.get("failed", [])
    ]
    if not lines:
        return
    rows = [[str(cell) for cell in line] for line in (HEADER, *lines, *failed)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    terminalreporter.section("faults")
    for row in rows:
        terminalreporter.write_line(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a tokenizer on plain documents and one poisoned document."""
    documents = [*plain_documents(1000), poison(seed=5)]
    return poisoned_workspace(tmp_path_factory.mktemp("tokenizer"), documents).folder / "tokenizer"


@pytest.fixture(scope="session")
def plain(tokenizer: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a workspace of the experiment `poisoned` without a poisoned document."""
    return poisoned_workspace(tmp_path_factory.mktemp("plain"), plain_documents(1000), tokenizer)


@pytest.fixture(scope="session")
def runs(plain: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(plain, tmp_path_factory.mktemp("output"))


@pytest.fixture(scope="session")
def failing_io(tmp_path_factory: pytest.TempPathFactory) -> FailingIO:
    return compiled(tmp_path_factory.mktemp("preload"))
