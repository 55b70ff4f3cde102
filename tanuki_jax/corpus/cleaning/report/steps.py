"""The steps of a run, in order, as rows that tables and pages show."""

from collections.abc import Iterator
from dataclasses import dataclass

from tanuki_jax.corpus.cleaning.run_cleaning import Cleaned
from tanuki_jax.corpus.cleaning.step_counts import StepCounts


@dataclass(frozen=True)
class Step:
    """One step, and what was there before and after it."""

    name: str
    counts: StepCounts
    documents_before: int
    characters_before: int

    @property
    def documents_after(self) -> int:
        """Return the number of documents that it left."""
        return self.documents_before - self.counts.dropped.total()

    @property
    def characters_after(self) -> int:
        """Return the number of characters that it left."""
        return self.characters_before - self.counts.characters_dropped - self.counts.characters_cut


def steps_of(run: Cleaned) -> Iterator[Step]:
    """Yield the steps of a run that saw documents."""
    for counts in (run.cleaned, run.written):
        for name, step in counts.steps.items():
            if step.documents:
                yield Step(name, step, step.documents, step.characters)


def faults_of(run: Cleaned) -> dict[str, int]:
    """Return reason -> number of rows, or files, that gave no document although no rule dropped them."""
    faults = dict(run.cleaned.set_aside.most_common())
    files = {
        "files damaged before their end": run.cleaned.damaged,
        "files that cannot be read": len(run.parts.unreadable),
    }
    files["empty files"] = len(run.parts.empty)
    return faults | {reason: count for reason, count in files.items() if count}
