"""Measurements of finding duplicates, as JSON:

    python -m tests.corpus.cleaning.duplicates.measure_duplicates FOLDER DOCUMENTS [datatrove]

Recall for each edit, precision, and for each stage CPU seconds and the greatest memory of a task. Every task runs in a
process of its own. With `datatrove`, its stock steps sign, bucket and cluster the same documents after that, with
characters as its words.
"""

import functools
import json
import os
import random
import resource
import shutil
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tanuki_jax.corpus.cleaning.across_documents import PARTS_OF_A_TASK
from tanuki_jax.corpus.cleaning.duplicates.array_file import ArrayFile
from tanuki_jax.corpus.cleaning.duplicates.clusters import FATES
from tanuki_jax.corpus.cleaning.duplicates.deduplicate import read_outcome, stages
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tests.corpus.cleaning.duplicates.planted import EDITS, Page, prose, write_parts

ROWS = 10_000
"""Documents of a part."""
LEAST_TASKS = 16
"""Tasks of the stages that compare, as in a pipeline; more if there are many parts."""
COPIES = 0.002
"""Copies of each kind of edit, as a share of the documents."""
TEMPLATED = 0.2
"""Pages that share half of their text with 999 others, as a share of the documents."""


def in_a_process(function: Callable[[], object]) -> tuple[float, float]:
    """Run a function in a process of its own. Return its CPU seconds and its greatest memory in MB."""
    sys.stdout.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Arrow's threads are idle
        child = os.fork()
    if not child:
        function()
        os._exit(0)
    _, status, used = os.wait4(child, 0)
    assert status == 0
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


@functools.cache
def _phrases() -> list[str]:
    text = prose(random.Random(0), 280_000)
    return [text[start : start + 7] for start in range(0, len(text), 7)]


def pages_of(part: int, rows: int) -> list[Page]:
    """Return the documents of a part: of ten, two have a template, and .6 are copies or copied."""
    rng = random.Random(part)
    phrases = _phrases()

    def page(length: int) -> str:
        return "".join(rng.choices(phrases, k=length // 7))

    pages = []
    for number in range(max(1, round(rows * COPIES))):
        for edit, change, share in EDITS:
            source = Page(f"{part} {edit} {share} {number}", page(rng.randrange(400, 1000)))
            copy = change(source.text, share, rng)
            pages += [source, Page(f"{source.id} copy", copy, source.id, f"{edit} {share:.0%}")]
    for number in range(round(rows * TEMPLATED)):
        if number % 1000 == 0:
            frame = page(rng.randrange(200, 500))
        pages.append(Page(f"{part} frame {number}", frame + page(len(frame))))
    pages += [Page(f"{part} {number}", page(rng.randrange(400, 1000))) for number in range(len(pages), rows)]
    rng.shuffle(pages)
    return pages


def judge(parts: int, rows: int, fates: list[Path]) -> dict[str, Any]:
    """Return recall by edit, and precision: the share of drops that were drops of a copy or of its source."""
    planted: dict[str, int] = {}
    found: dict[str, int] = {}
    dropped = wrong = 0
    for part in range(parts):
        pages = pages_of(part, rows)
        file = ArrayFile(fates[part], FATES, {})
        clusters = dict(zip((page.id for page in pages), file["clusters"].tolist(), strict=True))
        kept = dict(zip((page.id for page in pages), file["kept"].tolist(), strict=True))
        right = set()
        for page in pages:
            if page.source:
                planted[page.edit] = planted.get(page.edit, 0) + 1
                if clusters[page.id] == clusters[page.source]:
                    found[page.edit] = found.get(page.edit, 0) + 1
                    right |= {page.id, page.source}
        dropped += sum(not value for value in kept.values())
        wrong += sum(not value and id not in right for id, value in kept.items())
    recall = {edit: round(found.get(edit, 0) / count, 4) for edit, count in planted.items()}
    return {"recall": recall, "precision": round(1 - wrong / dropped, 5), "dropped": dropped}


def with_datatrove(parts: list[Path], work: Path) -> None:
    """Sign, bucket and cluster with datatrove's stock steps and settings."""
    import pyarrow.parquet as pq
    from datatrove.data import Document
    from datatrove.pipeline.dedup import minhash
    from datatrove.utils.word_tokenizers import WordTokenizer
    from loguru import logger

    class Characters(WordTokenizer):  # type: ignore[misc]
        def word_tokenize(self, text: str) -> list[str]:
            return list(text)

        def sent_tokenize(self, text: str) -> list[str]:
            return [text]

        def span_tokenize(self, text: str) -> list[tuple[int, int]]:
            return [(0, len(text))]

    logger.remove()
    minhash.load_word_tokenizer = lambda language: Characters()
    config = minhash.MinhashConfig(n_grams=5)
    started = time.process_time()
    for rank, part in enumerate(parts):
        table = pq.read_table(part)
        documents = map(Document, table["text"].to_pylist(), table["id"].to_pylist())
        minhash.MinhashDedupSignature(str(work / "signatures"), config, "ja").run(documents, rank, len(parts))
    signed = time.process_time()
    for bucket in range(config.num_buckets):
        step = minhash.MinhashDedupBuckets(str(work / "signatures"), str(work / "buckets"), config=config)
        step.run(None, bucket, config.num_buckets)
    minhash.MinhashDedupCluster(str(work / "buckets"), str(work / "removed"), config).run(None, 0, 1)
    ended = time.process_time()
    print(json.dumps({"datatrove": {"signatures": signed - started, "all": ended - started}}), flush=True)


def main() -> None:
    folder, documents = Path(sys.argv[1]), int(sys.argv[2])
    rows = min(documents, ROWS)
    count = documents // rows
    shutil.rmtree(folder, ignore_errors=True)
    parts = [folder / "parts" / f"{number:05d}.parquet" for number in range(count)]
    for number, part in enumerate(parts):

        def write(number: int = number, part: Path = part) -> None:
            (written,) = write_parts(pages_of(number, rows), folder / str(number), 1)
            part.parent.mkdir(exist_ok=True)
            written.rename(part)

        in_a_process(write)
    settings = Duplicates()
    np.isin(np.arange(3), np.unique(np.arange(3)))  # imports modules, which each task's process would do again
    seconds: dict[str, float] = {}
    memory: dict[str, float] = {}
    started = time.time()
    plan = stages(
        parts, folder / "signatures", folder / "work", settings, tasks=max(LEAST_TASKS, count // PARTS_OF_A_TASK)
    )
    for name, tasks in plan:
        for task in tasks:
            used, most = in_a_process(task.run)
            name = name.rstrip("0123456789")
            seconds[name] = round(seconds.get(name, 0) + used, 3)
            memory[name] = round(max(memory.get(name, 0), most), 1)
    total = sum(seconds.values())
    outcome = read_outcome(folder / "work", settings)
    result = {
        "documents": documents,
        "wall_seconds": round(time.time() - started, 1),
        "cpu_seconds": round(total, 1),
        "documents_a_cpu_second": {
            "signatures": round(documents / seconds["signatures"]),
            "all": round(documents / total),
        },
        "cpu_seconds_by_stage": seconds,
        "most_megabytes_of_a_task": memory,
        "megabytes_of_this_process": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "candidates": outcome.candidates,
        "similar": outcome.similar,
        "rounds": outcome.rounds,
        "signature_bytes_a_document": sum(f.stat().st_size for f in (folder / "signatures").iterdir()) // documents,
    }
    print(json.dumps(result | judge(count, rows, outcome.fates), ensure_ascii=False), flush=True)
    if "datatrove" in sys.argv:
        with_datatrove(parts, folder / "datatrove")


if __name__ == "__main__":
    main()
