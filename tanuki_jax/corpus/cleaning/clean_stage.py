"""The first stage of a run: each part is cleaned by itself."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tanuki_jax.corpus.cleaning.clean_part import clean_part, partial_path
from tanuki_jax.corpus.cleaning.engines.stage import Beacon
from tanuki_jax.corpus.cleaning.part_counts import PartCounts, read_counts
from tanuki_jax.corpus.cleaning.parts import Part
from tanuki_jax.corpus.cleaning.pipeline import Pipeline


@dataclass(frozen=True)
class CleanStage:
    """Cleaning of all parts: one task a part."""

    pipeline: Pipeline
    parts: tuple[Part, ...]
    folder: Path
    """Folder of the cleaned parts."""
    title: str = "clean"

    @property
    def tasks(self) -> int:
        """Return the number of parts."""
        return len(self.parts)

    def documents(self, task: int) -> Path:
        """Return the file of a part's documents."""
        return self.folder / f"{self.parts[task].name}.parquet"

    def counts(self, task: int) -> Path:
        """Return the file of a part's counts, which is written last."""
        return self.folder / f"{self.parts[task].name}.json"

    def is_done(self, task: int) -> bool:
        """Whether a part is complete."""
        return self.counts(task).exists()

    def run(self, task: int, beacon: Beacon) -> None:
        """Clean a part."""
        clean_part(self.parts[task], self.pipeline, self.documents(task), self.counts(task), beacon)

    def all_counts(self) -> Iterator[PartCounts]:
        """Yield the counts of all parts in order: final ones, those so far of a part that is being cleaned."""
        for task in range(self.tasks):
            path = self.counts(task)
            for found in (path, partial_path(path)):
                try:
                    yield read_counts(found)
                    break
                except (FileNotFoundError, json.JSONDecodeError):
                    continue
