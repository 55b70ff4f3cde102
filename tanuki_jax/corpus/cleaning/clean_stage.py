"""The first stage of a run: each part is cleaned by itself."""

import contextlib
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


class CountsSoFar:
    """Counts of a stage while it runs: those of each finished part are read once."""

    def __init__(self, stage: CleanStage) -> None:
        self._stage, self._open = stage, list(range(stage.tasks))
        self._finished = PartCounts()

    @property
    def parts_done(self) -> int:
        """Return how many parts were finished at the last look."""
        return self._stage.tasks - len(self._open)

    def look(self) -> PartCounts:
        """Return the counts of all finished parts, and of those that are being cleaned as far as they are."""
        still_open, total = [], PartCounts()
        for task in self._open:
            path = self._stage.counts(task)
            if path.exists():
                self._finished.add(read_counts(path))
            else:
                still_open.append(task)
                with contextlib.suppress(FileNotFoundError):  # not begun, or just finished
                    total.add(read_counts(partial_path(path)))
        self._open = still_open
        total.add(self._finished)
        return total
