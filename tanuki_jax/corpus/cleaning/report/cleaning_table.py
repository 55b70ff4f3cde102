"""The table that `clean` prints."""

from rich import box
from rich.table import Table

from tanuki_jax.base.progress import amount
from tanuki_jax.corpus.cleaning.contamination.evaluation_items import load
from tanuki_jax.corpus.cleaning.report.steps import steps_of
from tanuki_jax.corpus.cleaning.report.token_estimate import TokenEstimate
from tanuki_jax.corpus.cleaning.run_cleaning import Cleaned
from tanuki_jax.corpus.cleaning.write_stage import COPIES

_SHOWN = 10
"""Most places and files that are listed."""


def table(run: Cleaned) -> Table:
    """Return a row for each step of a run."""
    result = Table(box=box.SIMPLE)
    result.add_column("step")
    for name in ("documents", "dropped", "changed", "characters", "dropped", "cut"):
        result.add_column(name, justify="right")
    for step in steps_of(run):
        if step.name == COPIES and run.cleaned.pieces != run.cleaned.kept:
            result.add_row(f"(long ones split: {run.cleaned.pieces:,})", f"{run.cleaned.kept:,}", "", "", "", "", "")
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


def summary(run: Cleaned, tokens: TokenEstimate | None) -> list[str]:
    """Return lines below the table: what was set aside, tokens if they were estimated, and where the output is."""
    faults = [f"{count:,} {reason}" for reason, count in run.cleaned.set_aside.most_common()]
    lines = [f"set aside of {amount(run.cleaned.rows, 'row')}: {', '.join(faults)}"] if faults else []
    if run.cleaned.damaged:
        lines.append(f"{amount(run.cleaned.damaged, 'file')} could not be read to the end")
    shown = run.cleaned.places[:_SHOWN]
    lines += [f"  {place}" for place in [*run.parts.unreadable, *shown]]
    if (more := len(run.cleaned.places) - len(shown)) > 0:
        lines.append(f"  and {more:,} more in report.html")
    if run.parts.empty:
        lines.append(f"{amount(len(run.parts.empty), 'empty file')}: {', '.join(run.parts.empty[:_SHOWN])}")
    if run.pipeline.evaluation:
        index = load(run.pipeline.evaluation)
        lines.append(
            f"{amount(len(index.items), 'evaluation item')} looked for, {index.left_out:,} too short to be; "
            f"{amount(len(run.contaminated), 'document')} had some, "
            f"{sum(bool(each['dropped']) for each in run.contaminated):,} of them dropped"
        )
    if tokens is not None:
        lines.append(f"about {tokens.written:,} tokens, by {amount(tokens.documents, 'document')} that were encoded")
    if not run.written.pieces:
        lines.append("no document is left: look at the steps above, and at the samples of the report")
    return [*lines, f"documents: {run.folder}/documents, report: {run.folder}/report.html"]
