"""`bench all`: every part in processes of its own, within a budget of time, going on where the last run stopped.

A kernel that hangs or takes its process down becomes a line of the report, and the others are measured all the same.
"""

import datetime
import subprocess
import sys
import time
from pathlib import Path

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.progress import progress
from tanuki_jax.planning.bench import bench_report as report
from tanuki_jax.planning.bench.bench_results import Result
from tanuki_jax.planning.bench.journal import Journal
from tanuki_jax.planning.bench.sizes import SIZES
from tanuki_jax.planning.bench.suite_worker import OUT_OF_TIME
from tanuki_jax.planning.bench.suites import PARTS, completed

PATIENCE = 240.0
"""Seconds without a result after which a process is ended."""
WORKER = [sys.executable, "-m", "tanuki_jax.planning.bench.suite_worker"]
LOOK = 0.2
"""Seconds between two looks at a process."""


def run(json: Path, sizes: str, budget: float) -> tuple[list[Result], bool]:
    """Measures what is left of all parts, and writes what there is to `json`.

    Args:
        json: the report; the parts are kept in the folder beside it.
        sizes: name of `SIZES`.
        budget: seconds after which nothing is begun and everything is ended.

    Returns:
        All results so far, and whether they are all there are.
    """
    deadline = time.monotonic() + budget
    lost: list[Result] = []
    folder = json.with_suffix(".parts")
    folder.mkdir(parents=True, exist_ok=True)
    journals = {part: Journal(folder / f"{part}.jsonl") for part in PARTS}
    finished = all(
        _take(part, journals[part], sizes, which, deadline, lost) for which in ("first", "rest") for part in PARTS
    )
    results = completed([result for journal in journals.values() for result in journal.results], SIZES[sizes])
    places = [journal.where for journal in journals.values() if journal.where]
    if any(place != places[0] for place in places):
        raise InputError(f"the parts in {folder} are not of one machine; delete those that are not")
    when = {"date": datetime.datetime.now(datetime.UTC).date().isoformat(), "complete": finished and not lost}
    report.write(json, results, (places[0] if places else {"sizes": sizes}) | when)
    return results + lost, finished


def _take(part: str, journal: Journal, sizes: str, which: str, deadline: float, lost: list[Result]) -> bool:
    """Whether all of a part was taken in time. A part whose process dies before it begins anything is `lost`, until the next run."""
    while (room := deadline - time.monotonic()) > 0:
        before = len(journal.results)
        code, said = _work(part, journal, sizes, which, room)
        if code == 0:
            return True
        if code == OUT_OF_TIME or time.monotonic() >= deadline:
            return False
        if (key := journal.hanging) is not None:
            benchmark, case, variant = key
            journal.finish(Result(benchmark=benchmark, case=case, variant=variant, outcome="failed", detail=said), 0.0)
        elif len(journal.results) == before:
            lost.append(
                Result(benchmark=part, case="every case", variant="every variant", outcome="failed", detail=said)
            )
            return True
    return False


def _work(part: str, journal: Journal, sizes: str, which: str, room: float) -> tuple[int, str]:
    """Exit code of a process, and what it said last, or why it was ended."""
    command = [*WORKER, part, sizes, which, str(journal.path), str(room)]
    errors = journal.path.with_suffix(".log")
    with (
        errors.open("w", encoding="utf-8") as log,
        progress(f"measuring {part}", None),
        subprocess.Popen(command, stderr=log) as process,
    ):
        try:
            ended = _watch(process, journal.path, time.monotonic() + room)
        finally:
            process.kill()
    last = (errors.read_text("utf-8", "replace").strip().splitlines() or [""])[-1]
    return process.returncode, ended or f"the process ended with code {process.returncode}: {last}"[:300]


def _watch(process: subprocess.Popen[bytes], journal: Path, deadline: float) -> str:
    """Why the process had to be ended; empty if it ended by itself."""
    heard, size = time.monotonic(), -1
    while process.poll() is None:
        time.sleep(LOOK)
        now = time.monotonic()
        grown = journal.stat().st_size if journal.exists() else 0
        if grown != size:
            heard, size = now, grown
        if now >= deadline or now - heard > PATIENCE:
            process.kill()
            process.wait()
            return f"no result in {now - heard:.0f} s; the process was ended"
    return ""
