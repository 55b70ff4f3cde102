"""The speed and memory of the engine, as JSON: python -m tests.corpus.synthesis.measure_synthesis FOLDER

The mock teacher answers after 0.2 s, in a process of its own, on the same machine. One process writes 20,000 records,
one 100,000, and two 40,000 together, with 1,000 requests in flight at each.
"""

import dataclasses
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.corpus.cleaning.measure_pipeline import watched
from tests.corpus.synthesis.echo import FILE, texts_of
from tests.rehearsal import rehearsing

IN_FLIGHT = 1_000


@dataclasses.dataclass(frozen=True)
class Case:
    """A run to measure."""

    records: int
    processes: int


CASES = (Case(20_000, 1), Case(100_000, 1), Case(40_000, 2))


def measured(case: Case, url: str, folder: Path) -> dict[str, Any]:
    """Make a run, and return its figures."""
    command = [sys.executable, "-m", "tanuki_jax.synthesize", f"--config={FILE}:fast", "--teacher.urls", url]
    command += ["--count", str(case.records), "--workers", str(case.processes), "--out", str(folder)]
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    found = watched(process)
    seconds = time.monotonic() - began
    assert len(texts_of(folder)) == case.records
    return {**dataclasses.asdict(case), "records_a_second": round(case.records / seconds), **found}


def main(folder: Path) -> None:
    """Print the figures of all cases."""
    with rehearsing(folder / "log.jsonl", "--latency", "0.2") as teacher:
        for number, case in enumerate(CASES):
            print(json.dumps(measured(case, teacher.url, folder / str(number))), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
