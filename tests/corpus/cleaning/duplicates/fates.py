"""Outcomes of finding duplicates by the ids of the documents, so that they can be compared between splits."""

from collections.abc import Sequence
from pathlib import Path

from tanuki_jax.corpus.cleaning.duplicates.array_file import ArrayFile
from tanuki_jax.corpus.cleaning.duplicates.clusters import FATES
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tests.corpus.cleaning.duplicates.deduplicate_here import deduplicate
from tests.corpus.cleaning.duplicates.planted import Page, write_parts

Fate = tuple[bool, bool, int, int]
"""Whether it is kept, whether it is an exact copy of the kept one, cluster, and size of the cluster."""


def read_fates(pages: Sequence[Page], files: Sequence[Path]) -> dict[str, Fate]:
    """Return the fate of each page; the pages are in the order of the parts."""
    rows: list[Fate] = []
    for path in files:
        file = ArrayFile(path, FATES, {})
        rows += zip(*(file[name].tolist() for name in ("kept", "exact", "clusters", "sizes")), strict=True)
    return dict(zip((page.id for page in pages), rows, strict=True))


def fates_of(
    pages: Sequence[Page], folder: Path, settings: Duplicates | None = None, *, parts: int = 2, tasks: int = 3
) -> dict[str, Fate]:
    """Find the duplicates among pages in a folder that is new."""
    files = write_parts(pages, folder / "parts", parts)
    result = deduplicate(files, folder / "signatures", folder / "work", settings or Duplicates(), tasks=tasks)
    assert result.documents == len(pages)
    return read_fates(pages, result.fates)


def clusters_of(fates: dict[str, Fate]) -> list[list[str]]:
    """Return the clusters as sorted lists of ids, with the kept one first."""
    groups: dict[int, list[str]] = {}
    for id, (_, _, cluster, _) in sorted(fates.items()):
        groups.setdefault(cluster, []).append(id)
    return sorted(sorted(group, key=lambda id: (not fates[id][0], id)) for group in groups.values())
