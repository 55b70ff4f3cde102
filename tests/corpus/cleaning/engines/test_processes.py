import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.engines.processes import run_in_processes
from tanuki_jax.corpus.cleaning.engines.stage import BEFORE_FIRST, Beacon, pending


@dataclass(frozen=True)
class Numbers:
    """Tasks that write the records they were given; some records kill, stop or fail."""

    folder: Path
    killing: tuple[int, ...] = ()
    stopping: int = -2
    failing: int = -2
    killed_at_start: bool = False
    once: int = -2
    """Record that kills at the first attempt only."""
    tasks: int = 3
    title: str = "numbers"

    def is_done(self, task: int) -> bool:
        """Whether the task's file exists."""
        return (self.folder / str(task)).exists()

    def run(self, task: int, beacon: Beacon) -> None:
        """Write the records that are not skipped."""
        lines = []
        if self.killed_at_start:
            os.kill(os.getpid(), signal.SIGKILL)
        for record in range(10):
            beacon.show(record)
            if record in beacon.skipped:
                lines.append(f"{record} {beacon.skipped[record]}")
                continue
            mark = self.folder / f".{task}.{record}"
            if record in self.killing or (record == self.once and not mark.exists()):
                mark.touch()
                os.kill(os.getpid(), signal.SIGSEGV)
            if record == self.stopping:
                time.sleep(60)
            if record == self.failing:
                raise InputError(f"record {record} is refused")
            lines.append(str(record))
        (self.folder / str(task)).write_text("\n".join(lines))


def written(stage: Numbers) -> list[list[str]]:
    """Return the lines of every task."""
    return [(stage.folder / str(task)).read_text().splitlines() for task in range(stage.tasks)]


def test_every_task_runs_once(tmp_path: Path) -> None:
    stage = Numbers(tmp_path)
    run_in_processes(stage, pending(stage), workers=2)
    assert written(stage) == [[str(record) for record in range(10)]] * 3
    assert pending(stage) == []


def test_records_that_end_the_process_are_set_aside(tmp_path: Path) -> None:
    stage = Numbers(tmp_path, killing=(2, 7), tasks=1)
    run_in_processes(stage, [0], workers=1)
    assert [line for line in written(stage)[0] if " " in line] == [
        "2 ended its process (SIGSEGV)",
        "7 ended its process (SIGSEGV)",
    ]


def test_a_death_that_does_not_come_again_costs_no_record(tmp_path: Path) -> None:
    stage = Numbers(tmp_path, once=4, tasks=2)
    run_in_processes(stage, [0, 1], workers=2)
    assert written(stage) == [[str(record) for record in range(10)]] * 2


def test_a_record_that_takes_too_long_is_set_aside(tmp_path: Path) -> None:
    stage = Numbers(tmp_path, stopping=5, tasks=1)
    run_in_processes(stage, [0], workers=1, record_seconds=0.6)
    assert [line for line in written(stage)[0] if " " in line] == ["5 took too long"]


def test_an_error_of_a_task_is_raised(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="record 3 is refused"):
        run_in_processes(Numbers(tmp_path, failing=3), [0, 1, 2], workers=2)


@dataclass(frozen=True)
class Limited:
    """Two tasks: the first one reaches a limit once the second one is at work, which takes some seconds to end."""

    folder: Path
    seconds: float
    tasks: int = 2
    title: str = "limited"

    def is_done(self, task: int) -> bool:
        """Whether the task's file exists."""
        return (self.folder / str(task)).exists()

    def run(self, task: int, beacon: Beacon) -> None:
        """Raise the error, or write the task's file."""
        if task == 0:
            while not (self.folder / "at work").exists():
                time.sleep(0.01)
            raise InputError("the limit is reached")
        (self.folder / "at work").touch()
        time.sleep(self.seconds)
        (self.folder / str(task)).touch()


@pytest.mark.parametrize(("seconds", "ended"), [(0.3, [1]), (30.0, [])])
def test_after_an_error_others_have_a_moment_to_end(tmp_path: Path, seconds: float, ended: list[int]) -> None:
    stage, began = Limited(tmp_path, seconds), time.monotonic()
    with pytest.raises(InputError, match="limit is reached"):
        run_in_processes(stage, [0, 1], workers=2)
    assert [task for task in range(2) if stage.is_done(task)] == ended
    assert time.monotonic() - began < 20


def test_a_process_that_never_begins_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ended its process \(SIGKILL\) again and again"):
        run_in_processes(Numbers(tmp_path, killed_at_start=True), [0], workers=1)


def test_a_beacon_outlives_its_writer(tmp_path: Path) -> None:
    writer, reader = Beacon(tmp_path / "b"), Beacon(tmp_path / "b")
    assert reader.read() == BEFORE_FIRST
    writer.show(12)
    writer.close()
    assert reader.read() == 12


COMMAND = """
import sys
from pathlib import Path
from tanuki_jax.corpus.cleaning.engines.processes import run_in_processes
from tests.corpus.cleaning.engines.test_processes import Ticking
run_in_processes(Ticking(Path(sys.argv[1])), [0], workers=1)
"""


@dataclass(frozen=True)
class Ticking:
    """A stage whose task writes a byte every hundredth of a second."""

    file: Path
    title: str = "tick"
    tasks: int = 1

    def is_done(self, task: int) -> bool:
        """Whether the task is done: never."""
        return False

    def run(self, task: int, beacon: Beacon) -> None:
        """Write for a minute."""
        for _ in range(6_000):
            with self.file.open("ab") as file:
                file.write(b".")
            time.sleep(0.01)


def test_the_processes_of_a_killed_command_end_at_once(tmp_path: Path) -> None:
    file = tmp_path / "ticks"
    with subprocess.Popen([sys.executable, "-c", COMMAND, str(file)]) as command:
        end = time.monotonic() + 60
        while not file.exists():
            assert time.monotonic() < end
            time.sleep(0.05)
        command.kill()
    time.sleep(0.3)
    size = file.stat().st_size
    time.sleep(0.5)
    assert file.stat().st_size == size
