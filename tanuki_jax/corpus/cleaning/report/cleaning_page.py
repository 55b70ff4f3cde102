"""The page of a run: what each step removed, with samples; lengths, sources, clusters, evaluation items."""

import dataclasses
import difflib
import json
from pathlib import Path
from typing import Any

from tanuki_jax.base import pages
from tanuki_jax.base.atomic import replace_text
from tanuki_jax.corpus.cleaning.duplicates.curves import edits_caught
from tanuki_jax.corpus.cleaning.pipeline import to_plain
from tanuki_jax.corpus.cleaning.report.steps import Step, faults_of, steps_of
from tanuki_jax.corpus.cleaning.report.token_estimate import TokenEstimate
from tanuki_jax.corpus.cleaning.run_cleaning import Cleaned

_TEMPLATE = Path(__file__).parent / "templates" / "cleaning.html.jinja"
_LISTED = 50
_CONTEXT = 120
"""Characters that are shown on each side of a change."""


def write_page(run: Cleaned, tokens: TokenEstimate | None) -> None:
    """Write report.html and report.json into the folder of a run. Without an estimate of tokens they have none."""
    steps = list(steps_of(run))
    plain: dict[str, Any] = {
        "cleaned": run.cleaned.to_plain(),
        "written": run.written.to_plain(),
        "clusters": run.clusters,
        "contaminated": list(run.contaminated),
        "tokens": None if tokens is None else dataclasses.asdict(tokens),
    }
    replace_text(run.folder / "report.json", json.dumps(plain, ensure_ascii=False, indent=1) + "\n")
    most = max((step.characters_before for step in steps), default=1) or 1
    replace_text(
        run.folder / "report.html",
        pages.render(
            _TEMPLATE,
            title=f"Cleaning of {run.pipeline.name}",
            totals=_totals(run, tokens),
            tokens=tokens,
            faults=[pages.Row((reason, f"{count:,}")) for reason, count in faults_of(run).items()],
            places=run.cleaned.places,
            settings=json.dumps(to_plain(run.pipeline), ensure_ascii=False, indent=2),
            waterfall=[_bar(step, most, tokens) for step in steps],
            steps=[_samples(step) for step in steps],
            lengths=_histogram(dict(run.cleaned.lengths), dict(run.written.lengths_written)),
            sources=_shares(dict(run.cleaned.sources), dict(run.written.sources_written)),
            source_sizes=_source_sizes(run, tokens),
            clusters=run.clusters,
            edits=_edits(run),
            contaminated=run.contaminated[:_LISTED],
            contaminated_count=len(run.contaminated),
        ),
    )


def _totals(run: Cleaned, tokens: TokenEstimate | None) -> list[pages.Row]:
    seconds = sum(step.seconds for step in run.cleaned.steps.values())
    rows = [
        ("rows read", f"{run.cleaned.rows:,}"),
        ("documents that the rules kept", f"{run.cleaned.kept:,}"),
        ("documents written", f"{run.written.pieces:,}"),
        ("characters written", f"{run.written.characters:,}"),
        ("tokens written, about", f"{tokens.written:,}" if tokens else "not estimated: the pipeline has no tokenizer"),
        ("parts", f"{len(run.parts.parts):,}"),
        ("time in the rules, seconds of all processes", f"{seconds:,.1f}"),
    ]
    if seconds:
        rows.append(("rows a second of this time", f"{run.cleaned.rows / seconds:,.0f}"))
    return [pages.Row(row) for row in rows]


def _source_sizes(run: Cleaned, tokens: TokenEstimate | None) -> list[pages.Row]:
    """Return source, characters and tokens of the written documents."""
    return [
        pages.Row((source, f"{count:,}", f"{tokens.sources[source]:,}" if tokens else ""))
        for source, count in run.written.characters_written.most_common()
    ]


def _bar(step: Step, most: int, tokens: TokenEstimate | None) -> dict[str, Any]:
    """Return the figures of a row of the waterfall; widths are percentages of the first step's characters."""
    counts = step.counts
    return {
        "name": step.name,
        "before": step.documents_before,
        "after": step.documents_after,
        "dropped": counts.dropped.total(),
        "changed": counts.changed,
        "characters": step.characters_before,
        "tokens": round(step.characters_before * tokens.per_character) if tokens else 0,
        "characters_dropped": counts.characters_dropped,
        "characters_cut": counts.characters_cut,
        "left": 100 * step.characters_after / most,
        "cut": 100 * max(counts.characters_cut, 0) / most,
        "gone": 100 * counts.characters_dropped / most,
        "speed": step.documents_before / counts.seconds if counts.seconds else 0,
    }


def _samples(step: Step) -> dict[str, Any]:
    counts = step.counts
    return {
        "name": step.name,
        "sources": [pages.Row((source, f"{count:,}")) for source, count in counts.dropped_of.most_common()],
        "reasons": [pages.Row((reason, f"{count:,}")) for reason, count in counts.dropped.most_common()],
        "dropped": counts.dropped_samples.rows,
        "changed": [row | {"pieces": pieces(row["before"], row["text"])} for row in counts.changed_samples.rows],
        "kept": counts.kept_samples.rows,
        "limits": _borderline(counts.borderline_samples.rows),
    }


def _borderline(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return for each measure its name and the documents on both sides of the limit, the nearest ones first."""
    shown = [row | {"measured": f"{row['value']:.4g}, limit {row['limit']:.4g}"} for row in rows]
    return [
        {"name": name}
        | {side: [row for row in shown if row["name"] == name and row["side"] == side] for side in ("dropped", "kept")}
        for name in dict.fromkeys(row["name"] for row in shown)
    ]


def pieces(before: str, after: str) -> list[tuple[str, str]]:
    """Return a text and its changed form as one list of (kind, piece): same, gone, or new. Long pieces that are the
    same are shortened in their middle."""
    found: list[tuple[str, str]] = []
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for kind, start, stop, new_start, new_stop in matcher.get_opcodes():
        if kind == "equal":
            same = before[start:stop]
            short = same if len(same) <= 2 * _CONTEXT + 20 else f"{same[:_CONTEXT]} […] {same[-_CONTEXT:]}"
            found.append(("same", short))
            continue
        if stop > start:
            found.append(("gone", before[start:stop]))
        if new_stop > new_start:
            found.append(("new", after[new_start:new_stop]))
    return found


def _histogram(read: dict[str, int], written: dict[str, int]) -> list[dict[str, Any]]:
    """Return buckets of lengths in order, with the shares of the documents read and written that are in each."""
    return [
        {"name": f"{int(bucket) // 2:,} to {int(bucket) - 1:,}"} | shares
        for bucket, shares in _both(read, written, sorted({*read, *written}, key=int))
    ]


def _shares(read: dict[str, int], written: dict[str, int]) -> list[dict[str, Any]]:
    names = sorted({*read, *written}, key=lambda name: (-read.get(name, 0), name))
    return [{"name": name} | shares for name, shares in _both(read, written, names)]


def _both(read: dict[str, int], written: dict[str, int], names: list[str]) -> list[tuple[str, dict[str, Any]]]:
    most = max([*read.values(), *written.values()], default=1)
    return [
        (
            name,
            {
                "read": read.get(name, 0),
                "written": written.get(name, 0),
                "read_width": 100 * read.get(name, 0) / most,
                "written_width": 100 * written.get(name, 0) / most,
            },
        )
        for name in names
    ]


def _edits(run: Cleaned) -> list[pages.Row]:
    if run.pipeline.duplicates is None:
        return []
    return [
        pages.Row((each.edit, f"{each.share:.0%}", f"{each.similarity:.2f}", f"{each.caught:.3f}"))
        for each in edits_caught(run.pipeline.duplicates)
    ]
