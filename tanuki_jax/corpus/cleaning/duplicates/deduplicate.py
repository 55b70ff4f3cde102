"""All tasks of finding duplicates, one stage after the other, in processes of this machine."""

import concurrent.futures
import multiprocessing
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tanuki_jax.corpus.cleaning.duplicates.array_file import ArrayFile
from tanuki_jax.corpus.cleaning.duplicates.candidates import KIND as CANDIDATES
from tanuki_jax.corpus.cleaning.duplicates.candidates import find_candidates
from tanuki_jax.corpus.cleaning.duplicates.clusters import CHOICES, FATES, LARGEST, choose, decide, list_members
from tanuki_jax.corpus.cleaning.duplicates.components import KIND as STARS
from tanuki_jax.corpus.cleaning.duplicates.components import star_round
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.cleaning.duplicates.exact_copies import find_copies
from tanuki_jax.corpus.cleaning.duplicates.signature_files import is_current, sign_part
from tanuki_jax.corpus.cleaning.duplicates.verify_pairs import KIND as EDGES
from tanuki_jax.corpus.cleaning.duplicates.verify_pairs import verify

Task = tuple[Callable[..., None], tuple[Any, ...]]


@dataclass(frozen=True)
class Deduplicated:
    """Outcome of finding duplicates."""

    fates: list[Path]
    """A file of `decide` for each part, in their order."""
    documents: int
    """Number of documents."""
    kept: int
    """Number of documents that are kept."""
    near: int
    """Number of documents that were dropped for a text that is not the same."""
    candidates: int
    """Number of pairs that agree in a band, counted once for each task that found them."""
    similar: int
    """Number of pairs that are duplicates."""
    rounds: int
    """Number of rounds of stars."""
    largest: list[list[int]]
    """Largest clusters: size, number of different texts, hash of the kept one's, address of the kept copy."""


def deduplicate(
    parts: Sequence[Path],
    signatures: Path,
    work: Path,
    settings: Duplicates,
    *,
    workers: int = 1,
    tasks: int = 16,
    score: str = "",
) -> Deduplicated:
    """Find the duplicates among the documents of some Parquet files.

    Args:
        parts: files of documents with the columns `id` and `text`, and names that differ.
        signatures: folder of signature files, NAME.signatures for each part. Those that are there are used.
        work: folder of all other files, which is emptied.
        settings: settings of signatures and comparison.
        workers: number of processes; 1: this process.
        tasks: number of tasks of each later stage.
        score: column by which the kept copy is chosen; empty: none.
    """
    signatures.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    files = [signatures / f"{part.stem}.signatures" for part in parts]
    with _Pool(workers) as pool:
        pairs = zip(parts, files, strict=True)
        pool.run([(sign_part, (p, f, settings, score)) for p, f in pairs if not is_current(p, f, settings)])
        copies, found, edges = (_names(work, stage, tasks) for stage in ("copies", "candidates", "edges"))
        pool.run([(find_copies, (i, tasks, files, out, settings)) for i, out in enumerate(copies)])
        pool.run([(find_candidates, (i, tasks, files, out, settings)) for i, out in enumerate(found)])
        pool.run([(verify, (i, tasks, found, files, out, settings)) for i, out in enumerate(edges)])
        stars, rounds = edges, 0
        while not rounds or _total(stars, STARS, "unsettled"):
            following = _names(work, f"stars{rounds}", tasks)
            pool.run([(star_round, (rounds, i, tasks, stars, out)) for i, out in enumerate(following)])
            stars, rounds = following, rounds + 1
        members, choices = _names(work, "members", tasks), _names(work, "choices", tasks)
        pool.run(
            [
                (list_members, (i, tasks, rounds, stars, edges, copies[i], files, out, settings))
                for i, out in enumerate(members)
            ]
        )
        pool.run([(choose, (i, tasks, members, files, out, settings)) for i, out in enumerate(choices)])
        fates = _names(work, "fates", len(parts))
        pool.run([(decide, (i, choices, files[i], out, settings)) for i, out in enumerate(fates)])
    largest = [row for path in choices for row in ArrayFile(path, CHOICES, {}).facts["largest"]]
    return Deduplicated(
        fates=fates,
        documents=_total(fates, FATES, "rows"),
        kept=_total(fates, FATES, "kept"),
        near=_total(fates, FATES, "near"),
        candidates=_total(found, CANDIDATES, "pairs", settings.of_signatures()),
        similar=_total(edges, EDGES, "similar"),
        rounds=rounds,
        largest=sorted(largest, key=lambda row: (-row[0], row[2]))[:LARGEST],
    )


class _Pool:
    """Processes that run the tasks of one stage after the other."""

    def __init__(self, workers: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._executor = concurrent.futures.ProcessPoolExecutor(workers, context) if workers > 1 else None

    def __enter__(self) -> "_Pool":
        return self

    def __exit__(self, *_: object) -> None:
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)

    def run(self, tasks: Sequence[Task]) -> None:
        """Run tasks, and return when all have written their files."""
        if self._executor is None:
            for function, arguments in tasks:
                function(*arguments)
            return
        for future in [self._executor.submit(function, *arguments) for function, arguments in tasks]:
            future.result()


def _names(work: Path, stage: str, count: int) -> list[Path]:
    folder = work / stage
    folder.mkdir()
    return [folder / f"{index:05d}" for index in range(count)]


def _total(paths: Sequence[Path], kind: str, fact: str, settings: dict[str, int | bool] | None = None) -> int:
    return sum(ArrayFile(path, kind, settings or {}).facts[fact] for path in paths)
