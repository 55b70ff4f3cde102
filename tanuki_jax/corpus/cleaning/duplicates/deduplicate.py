"""All tasks of finding duplicates as stages, and their outcome."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

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
from tanuki_jax.corpus.cleaning.file_tasks import Call, outputs


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


def stages(
    parts: Sequence[Path],
    signatures: Path,
    work: Path,
    settings: Duplicates,
    *,
    tasks: int = 16,
    score: str = "",
    priorities: Sequence[int] = (),
) -> Iterator[tuple[str, list[Call]]]:
    """Yield name and tasks of the stages one after the other. All tasks of a stage must have ended before the next one
    is asked for. A stage that was begun before may leave out the tasks whose file is there.

    Args:
        parts: files of documents with the columns `id` and `text`, and names that differ.
        signatures: folder of signature files, NAME.signatures for each part. Those that are there are used.
        work: folder of all other files, one folder a stage. Its files are of these parts in this order, and of these
            priorities, alone.
        settings: settings of signatures and comparison.
        tasks: number of tasks of each stage but the first and the last, which have one for each part.
        score: column by which the kept copy is chosen; empty: none.
        priorities: priority of each part, which counts before the score; empty: all have the same.
    """
    signatures.mkdir(parents=True, exist_ok=True)
    files = [signatures / f"{part.stem}.signatures" for part in parts]
    missing = [pair for pair in zip(parts, files, strict=True) if not is_current(*pair, settings)]
    yield "signatures", [Call(sign_part, (part, file, settings, score), file) for part, file in missing]
    numbers = range(tasks)
    copies, candidates, edges = (outputs(work, name, tasks) for name in ("copies", "candidates", "edges"))
    yield "copies", [Call(find_copies, (i, tasks, files, copies[i], settings), copies[i]) for i in numbers]
    yield (
        "candidates",
        [Call(find_candidates, (i, tasks, files, candidates[i], settings), candidates[i]) for i in numbers],
    )
    yield "edges", [Call(verify, (i, tasks, candidates, files, edges[i], settings), edges[i]) for i in numbers]
    stars, rounds = edges, 0
    while not rounds or _total(stars, STARS, "unsettled"):
        name = f"stars{rounds:03d}"
        following = outputs(work, name, tasks)
        yield name, [Call(star_round, (rounds, i, tasks, stars, following[i]), following[i]) for i in numbers]
        stars, rounds = following, rounds + 1
    members, choices = outputs(work, "members", tasks), outputs(work, "choices", tasks)
    ranks, known = priorities or [0] * len(parts), (tasks, rounds, stars, edges)
    listing = [(i, *known, copies[i], files, ranks, members[i], settings) for i in numbers]
    yield "members", [Call(list_members, arguments, members[i]) for i, arguments in enumerate(listing)]
    yield "choices", [Call(choose, (i, tasks, members, files, choices[i], settings), choices[i]) for i in numbers]
    fates = outputs(work, "fates", len(parts))
    yield (
        "fates",
        [
            Call(decide, (i, choices, file, out, settings), out)
            for i, (file, out) in enumerate(zip(files, fates, strict=True))
        ],
    )


def read_outcome(work: Path, settings: Duplicates) -> Deduplicated:
    """Return the outcome of stages that have all run."""
    found = {name: sorted((work / name).glob("[!.]*")) for name in ("candidates", "edges", "choices", "fates")}
    largest = [row for path in found["choices"] for row in ArrayFile(path, CHOICES, {}).facts["largest"]]
    return Deduplicated(
        fates=found["fates"],
        documents=_total(found["fates"], FATES, "rows"),
        kept=_total(found["fates"], FATES, "kept"),
        near=_total(found["fates"], FATES, "near"),
        candidates=_total(found["candidates"], CANDIDATES, "pairs", settings.of_signatures()),
        similar=_total(found["edges"], EDGES, "similar"),
        rounds=len(list(work.glob("stars*"))),
        largest=sorted(largest, key=lambda row: (-row[0], row[2]))[:LARGEST],
    )


def _total(paths: Sequence[Path], kind: str, fact: str, settings: dict[str, int | bool] | None = None) -> int:
    return sum(ArrayFile(path, kind, settings or {}).facts[fact] for path in paths)
