"""A cleaning run, from the input to the report: stage after stage, each complete before the next begins."""

import logging
from dataclasses import dataclass
from pathlib import Path

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.progress import Advance, progress
from tanuki_jax.corpus.cleaning.clean_part import PartCounts
from tanuki_jax.corpus.cleaning.clean_stage import CleanStage
from tanuki_jax.corpus.cleaning.engines.processes import run_in_processes
from tanuki_jax.corpus.cleaning.engines.stage import pending
from tanuki_jax.corpus.cleaning.parts import Parts, cut
from tanuki_jax.corpus.cleaning.pipeline import Pipeline, rules_key
from tanuki_jax.corpus.cleaning.run_folder import CLEAN, claimed, delete_stale, record

_log = logging.getLogger("tanuki_jax.corpus")


@dataclass(frozen=True)
class Cleaned:
    """A finished run."""

    folder: Path
    parts: Parts
    counts: PartCounts


def clean(pipeline: Pipeline, folder: Path, workers: int) -> Cleaned:
    """Clean a corpus; what an earlier run of the same folder has done is used.

    Args:
        pipeline: inputs and rules.
        folder: folder of the run, made if needed.
        workers: processes at once.
    """
    key = rules_key(pipeline)
    parts = cut(pipeline, key)
    if not parts.parts and not parts.unreadable:
        raise InputError("the files of the inputs are all empty")
    with claimed(folder):
        for sentence in [*record(folder, pipeline, key, parts), *parts.unreadable]:
            _log.info(sentence)
        (folder / CLEAN).mkdir(exist_ok=True)
        stage = CleanStage(pipeline, parts.parts, folder / CLEAN)
        _clean_parts(stage, workers)
        delete_stale(folder, parts.parts)
        return Cleaned(folder, parts, _total(stage))


def _clean_parts(stage: CleanStage, workers: int) -> None:
    todo = pending(stage)
    if not todo:
        return
    before = _total(stage).rows
    with progress(stage.title, None, "document", done=before) as advance:
        seen = before

        def look() -> None:
            nonlocal seen
            counts = _total(stage)
            _show(advance, stage, counts, counts.rows - seen)
            seen = max(seen, counts.rows)

        run_in_processes(stage, todo, workers, each_look=look)


def _show(advance: Advance, stage: CleanStage, counts: PartCounts, new: int) -> None:
    done = sum(map(stage.is_done, range(stage.tasks)))
    reasons = {f"{step}: {reason}": n for step, each in counts.steps.items() for reason, n in each.dropped.items()}
    most = sorted(reasons, key=reasons.__getitem__, reverse=True)[:4]
    dropped = "; dropped " + ", ".join(f"{reasons[each]:,} ({each})" for each in most) if most else ""
    advance(max(new, 0), status=f"{done} of {stage.tasks} parts, kept {counts.kept:,}{dropped}")


def _total(stage: CleanStage) -> PartCounts:
    total = PartCounts()
    for counts in stage.all_counts():
        total.add(counts)
    return total
