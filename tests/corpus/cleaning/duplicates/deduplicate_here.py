"""All stages of finding duplicates one after the other, without a run around them."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from tanuki_jax.corpus.cleaning.duplicates.deduplicate import Deduplicated, read_outcome, stages
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.cleaning.engines.processes import run_in_processes
from tanuki_jax.corpus.cleaning.file_tasks import FileTasks


def deduplicate(
    parts: Sequence[Path],
    signatures: Path,
    work: Path,
    settings: Duplicates,
    *,
    workers: int = 1,
    tasks: int = 16,
    score: str = "",
    priorities: Sequence[int] = (),
) -> Deduplicated:
    """Find the duplicates among the documents of some Parquet files.

    `work` is emptied. `workers` is a number of processes; 1: this process. The other arguments are those of `stages`.
    """
    shutil.rmtree(work, ignore_errors=True)
    for name, calls in stages(parts, signatures, work, settings, tasks=tasks, score=score, priorities=priorities):
        if workers > 1:
            run_in_processes(FileTasks(name, tuple(calls)), range(len(calls)), workers)
        else:
            for call in calls:
                call.run()
    return read_outcome(work, settings)
