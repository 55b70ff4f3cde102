"""`bench all`: every suite in worker processes, within a time limit, continuing an earlier run.

A kernel that hangs or kills its process becomes a line of the report; the others are still measured.
"""

import dataclasses
import datetime
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.progress import progress
from tanuki_jax.planning.bench import bench_report
from tanuki_jax.planning.bench.bench_results import DETAIL_CHARACTERS, Result
from tanuki_jax.planning.bench.journal import Journal
from tanuki_jax.planning.bench.sizes import SIZES
from tanuki_jax.planning.bench.suite_worker import OUT_OF_TIME
from tanuki_jax.planning.bench.suites import SUITES, completed


@dataclasses.dataclass(frozen=True, kw_only=True)
class Workers:
    """Command and limits of the worker processes."""

    suites: Sequence[str] = tuple(SUITES)
    command: Sequence[str] = (sys.executable, "-m", "tanuki_jax.planning.bench.suite_worker")
    silence_seconds: float = 240.0
    """Time without a new result after which a process is killed."""
    poll_seconds: float = 0.2
    """Time between two looks at a process."""


def run(json: Path, sizes: str, budget_seconds: float, workers: Workers | None = None) -> tuple[list[Result], bool]:
    """Measure what is missing of all suites, and write all results so far to `json`.

    Args:
        json: the report; results are collected in the folder beside it.
        sizes: a name of `SIZES`.
        budget_seconds: time limit; then nothing new is started, and running processes are killed.
        workers: command and limits of the processes.

    Returns:
        All results so far, and whether they are complete.
    """
    workers = workers or Workers()
    deadline = time.monotonic() + budget_seconds
    lost: list[Result] = []
    folder = json.with_suffix(".parts")
    folder.mkdir(parents=True, exist_ok=True)
    journals = {suite: Journal(folder / f"{suite}.jsonl") for suite in workers.suites}
    complete = all(
        _measure(suite, journals[suite], sizes, which, deadline, lost, workers)
        for which in ("first", "rest")
        for suite in workers.suites
    )
    results = completed([result for journal in journals.values() for result in journal.results], SIZES[sizes])
    machines = [journal.machine for journal in journals.values() if journal.machine]
    if any(machine != machines[0] for machine in machines):
        raise InputError(f"{folder} has results of several machines; delete the files of the others")
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    about = (machines[0] if machines else {"sizes": sizes}) | {"date": date, "complete": complete and not lost}
    bench_report.write(json, results, about)
    return results + lost, complete


def _measure(
    suite: str, journal: Journal, sizes: str, which: str, deadline: float, lost: list[Result], workers: Workers
) -> bool:
    """Whether a suite was completed in time. One whose process dies before its first measurement is added to `lost`."""
    while (left := deadline - time.monotonic()) > 0:
        before = len(journal.results)
        code, reason = _work(suite, journal, sizes, which, left, workers)
        if code == 0:
            return True
        if code == OUT_OF_TIME or time.monotonic() >= deadline:
            return False
        if (labels := journal.unfinished) is not None:
            # The measurement that killed its process gets a failed result, so that the next process skips it.
            journal.finish(_failed(*labels, reason), 0.0)
        elif len(journal.results) == before:
            lost.append(_failed(suite, "every case", "every variant", reason))
            return True
    return False


def _failed(benchmark: str, case: str, variant: str, reason: str) -> Result:
    return Result(benchmark=benchmark, case=case, variant=variant, key={}, outcome="failed", detail=reason)


def _work(suite: str, journal: Journal, sizes: str, which: str, seconds: float, workers: Workers) -> tuple[int, str]:
    """Run one process. Return its exit code, and the reason why it ended."""
    command = [*workers.command, suite, sizes, which, str(journal.path), str(seconds)]
    errors = journal.path.with_suffix(".log")
    with (
        errors.open("w", encoding="utf-8") as log,
        progress(f"measuring {suite}", None),
        subprocess.Popen(command, stderr=log) as process,
    ):
        try:
            killed = _watch(process, journal.path, time.monotonic() + seconds, workers)
        finally:
            process.kill()
    last = (errors.read_text("utf-8", "replace").strip().splitlines() or [""])[-1]
    return process.returncode, killed or f"the process ended with code {process.returncode}: {last}"[:DETAIL_CHARACTERS]


def _watch(process: subprocess.Popen[bytes], journal: Path, deadline: float, workers: Workers) -> str:
    """Wait for a process, or kill it if its journal stops growing. Return why it was killed, or an empty text."""
    last_growth, size = time.monotonic(), -1
    while process.poll() is None:
        time.sleep(workers.poll_seconds)
        now = time.monotonic()
        current = journal.stat().st_size if journal.exists() else 0
        if current != size:
            last_growth, size = now, current
        if now >= deadline or now - last_growth > workers.silence_seconds:
            process.kill()
            process.wait()
            return f"no result in {now - last_growth:.0f} s; the process was killed"
    return ""
