"""The table that `clean` prints."""

from rich import box
from rich.table import Table

from tanuki_jax.corpus.cleaning.report.steps import faults_of, steps_of
from tanuki_jax.corpus.cleaning.run_cleaning import Cleaned


def table(run: Cleaned) -> Table:
    """Return a row for each step of a run."""
    result = Table(box=box.SIMPLE)
    result.add_column("step")
    for name in ("documents", "dropped", "changed", "characters", "dropped", "cut"):
        result.add_column(name, justify="right")
    for step in steps_of(run):
        counts = step.counts
        result.add_row(
            step.name,
            f"{step.documents_before:,}",
            f"{counts.dropped.total():,}",
            f"{counts.changed:,}",
            f"{step.characters_before:,}",
            f"{counts.characters_dropped:,}",
            f"{counts.characters_cut:,}",
        )
    result.add_row("written", f"{run.written.pieces:,}", "", "", f"{run.written.characters:,}", "", "")
    return result


def summary(run: Cleaned) -> list[str]:
    """Return lines below the table: what was set aside, and where the output is."""
    faults = [f"{count:,} {reason}" for reason, count in faults_of(run).items()]
    lines = [f"set aside of {run.cleaned.rows:,} rows: {', '.join(faults)}"] if faults else []
    lines += [f"  {place}" for place in run.cleaned.places[:5]]
    if run.contaminated:
        dropped = sum(bool(each["dropped"]) for each in run.contaminated)
        lines.append(f"{len(run.contaminated):,} documents had evaluation items; {dropped:,} of them were dropped")
    return [*lines, f"documents: {run.folder}/documents, report: {run.folder}/report.html"]
