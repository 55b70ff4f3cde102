"""A cleaning run, from the input to the documents: stage after stage, each complete before the next begins."""

import json
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.errors import InputError
from tanuki_jax.base.progress import Advance, progress
from tanuki_jax.corpus.cleaning.across_documents import AcrossDocuments
from tanuki_jax.corpus.cleaning.clean_stage import CleanStage, CountsSoFar
from tanuki_jax.corpus.cleaning.contamination.evaluation_items import load
from tanuki_jax.corpus.cleaning.draft import BatchRule, Draft
from tanuki_jax.corpus.cleaning.engines.engine import Engine
from tanuki_jax.corpus.cleaning.engines.run_stage import finish, run_stage
from tanuki_jax.corpus.cleaning.engines.stage import pending
from tanuki_jax.corpus.cleaning.file_tasks import FileTasks
from tanuki_jax.corpus.cleaning.part_counts import PartCounts
from tanuki_jax.corpus.cleaning.parts import Parts, cut
from tanuki_jax.corpus.cleaning.pipeline import Pipeline, code_key, names_of_rules, rules_key
from tanuki_jax.corpus.cleaning.run_folder import (
    ACROSS,
    CLEAN,
    CLUSTERS,
    DOCUMENTS,
    WRITTEN,
    Keys,
    claimed,
    delete_counts,
    delete_stale,
    record,
)
from tanuki_jax.corpus.cleaning.write_stage import WriteTask

_log = logging.getLogger("tanuki_jax.corpus")


@dataclass(frozen=True)
class Cleaned:
    """A finished run."""

    folder: Path
    pipeline: Pipeline
    parts: Parts
    cleaned: PartCounts
    """Counts of the rules."""
    written: PartCounts
    """Counts of the steps across documents."""
    contaminated: tuple[dict[str, Any], ...]
    """Documents with evaluation items: id, whether they were dropped, items."""
    clusters: dict[str, Any]
    """Counts of copies, and the largest clusters; empty: copies were not looked for."""


def clean(pipeline: Pipeline, folder: Path, engine: Engine) -> Cleaned:
    """Clean a corpus; what an earlier run of the same folder has done is used.

    Args:
        pipeline: inputs, rules, and what is done across documents.
        folder: folder of the run, made if needed.
        engine: runs the tasks.

    Raises:
        InputError: the inputs cannot be used, or tasks failed.
    """
    check_works(pipeline, waiting=False)
    keys = Keys(rules_key(pipeline), code_key())
    parts = cut(pipeline, "".join(keys))
    if not parts.parts:
        raise InputError(parts.unreadable[0] if parts.unreadable else "the files of the inputs are all empty")
    _check_apart(parts, folder)
    with claimed(folder):
        for sentence in [*record(folder, pipeline, keys, parts), *parts.unreadable]:
            _log.info(sentence)
        for name in (CLEAN, DOCUMENTS, WRITTEN):
            (folder / name).mkdir(exist_ok=True)
        cleaning = CleanStage(pipeline, parts.parts, folder / CLEAN)
        if pending(cleaning):
            check_works(pipeline)
        cleaned = _clean_parts(cleaning, engine)
        files = [cleaning.documents(task) for task in range(cleaning.tasks)]
        across = AcrossDocuments(pipeline, files, [part.source for part in parts.parts], folder)
        writing = _writing(pipeline, parts, across, folder)
        if pending(writing):
            delete_counts(folder, {call.out.name for call in writing.calls})
            for stage in across.stages():
                run_stage(stage, engine)
            replace_text(folder / CLUSTERS, json.dumps(across.clusters(), ensure_ascii=False))
            run_stage(writing, engine)
        delete_stale(folder, parts.parts, pipeline.format, across.signatures)
        shutil.rmtree(folder / ACROSS, ignore_errors=True)
        written, contaminated = PartCounts(), list[dict[str, Any]]()
        for call in writing.calls:
            plain = json.loads(call.out.read_text("utf-8"))
            contaminated += plain.pop("contaminated")
            written.add(PartCounts.from_plain(plain))
        clusters = json.loads((folder / CLUSTERS).read_text("utf-8"))
        return Cleaned(folder, pipeline, parts, cleaned, written, tuple(contaminated), clusters)


def check_works(pipeline: Pipeline, *, waiting: bool = True) -> None:
    """Try the rules and load the evaluation items, before anything is read.

    Args:
        pipeline: rules and evaluation items.
        waiting: whether rules are tried that wait for something outside.

    Raises:
        InputError: a rule or evaluation items name what cannot be used.
    """
    for name, rule in zip(names_of_rules(pipeline.rules), pipeline.rules, strict=True):
        if isinstance(rule, BatchRule) and not waiting:
            continue
        try:
            rule.apply(Draft("", "これは一つの文です。"))
        except InputError:
            raise
        except Exception as error:
            raise InputError(f"the rule {name} fails on a plain sentence: {type(error).__name__}: {error}") from error
    if pipeline.evaluation:
        load(pipeline.evaluation)


def _check_apart(parts: Parts, folder: Path) -> None:
    """Raise InputError if the input has files of the run itself."""
    own = folder.absolute()
    for part in parts.parts:
        for file in part.files:
            if "://" not in file.path and own in Path(file.path).absolute().parents:
                raise InputError(
                    f"{file.path} is in the folder of the run, {folder}: choose another --out or other inputs"
                )


def _writing(pipeline: Pipeline, parts: Parts, across: AcrossDocuments, folder: Path) -> FileTasks:
    """Return the stage that writes the documents. Its counts are named by all that determines the documents."""

    def task(number: int) -> WriteTask:
        name = parts.parts[number].name
        return WriteTask(
            part=folder / CLEAN / f"{name}.parquet",
            findings=across.findings(number),
            documents=folder / DOCUMENTS / f"{name}.{pipeline.format}",
            out=folder / WRITTEN / f"{name}.{across.key}.{pipeline.shortest_left}.{pipeline.format}.json",
            pipeline=pipeline,
        )

    return FileTasks("write", tuple(map(task, range(len(parts.parts)))))


def _clean_parts(stage: CleanStage, engine: Engine) -> PartCounts:
    so_far = CountsSoFar(stage)
    seen = so_far.look().rows
    with progress(stage.title, None, "document", done=seen) as advance:

        def look() -> None:
            nonlocal seen
            counts = so_far.look()
            _show(advance, stage.tasks, so_far.parts_done, counts, max(counts.rows - seen, 0))
            seen = max(seen, counts.rows)

        finish(stage, engine, look)
    return so_far.look()


def _show(advance: Advance, parts: int, done: int, counts: PartCounts, new: int) -> None:
    reasons = {f"{step}: {reason}": n for step, each in counts.steps.items() for reason, n in each.dropped.items()}
    most = sorted(reasons, key=reasons.__getitem__, reverse=True)[:4]
    dropped = "; dropped " + ", ".join(f"{reasons[each]:,} ({each})" for each in most) if most else ""
    advance(new, status=f"{done} of {parts} parts, kept {counts.kept:,}{dropped}")
