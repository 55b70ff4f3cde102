"""The work of `clean coverage`, and its output."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.table import Column, Table

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.errors import InputError
from tanuki_jax.base.progress import amount, progress
from tanuki_jax.base.tables import show
from tanuki_jax.corpus.cleaning.parts import Parts, cut
from tanuki_jax.corpus.cleaning.pipeline import reading
from tanuki_jax.corpus.coverage.count_facts import count_facts
from tanuki_jax.corpus.coverage.coverage_options import Coverage
from tanuki_jax.corpus.coverage.coverage_page import write_page
from tanuki_jax.corpus.coverage.coverage_plan import write_plan
from tanuki_jax.corpus.coverage.coverage_table import Condition, as_markdown, as_tsv, cells, conditions
from tanuki_jax.corpus.coverage.facts import read_facts, spellings_of
from tanuki_jax.corpus.coverage.passages import read_passages, shown_places
from tanuki_jax.corpus.coverage.postings import FORMAT, Counts, read_counts
from tanuki_jax.corpus.coverage.postings_folder import PostingsFolder

_NEAR = {
    "entity": "the entity, and the relation is anywhere in the document",
    "relation": "the relation, and the entity is anywhere in the document",
    "both": "the entity and of the relation",
}


def coverage(options: Coverage) -> None:
    """Count facts, and write the page, the table and the plan."""
    facts, folder = read_facts(Path(options.facts)), Path(options.out)
    parts = _parts(options)
    engine = options.make_engine(folder / "logs")
    files = PostingsFolder(folder, parts.parts).scan(spellings_of(facts), engine)
    total = Counts(*map(sum, zip(*(read_counts(of_part[0]) for of_part in files), strict=True)))
    if not total.documents:
        raise InputError(
            f"the corpus has no document: none of its {total.unreadable:,} rows has a text in the field "
            f"{options.text_field!r} (--text-field); conversations are not counted"
        )
    with progress("counting", None):
        counts = count_facts(facts, files, window=options.window, around=options.around)
        places = {place for each in counts for answer in each.answers for place in shown_places(answer)}
        passages = read_passages(parts.parts, places)
    rows = [*conditions(counts, total.documents, options.window, options.around)]
    replace_text(folder / "counts.tsv", as_tsv(rows))
    planned = write_plan(folder / "plan.jsonl", counts, passages, options.wanted)
    near = f"all of it is within {options.window} characters of a spelling of {_NEAR[options.around]}"
    write_page(
        folder / "coverage.html",
        counts,
        passages,
        totals=[(name, f"{value:,}") for name, value in _totals(total, len(parts.unreadable))],
        definition=f"An answer is near if {near}. Different texts: near copies of the passage count once.",
        wanted=options.wanted,
    )
    warnings = [*parts.unreadable]
    warnings += [f"{amount(total.unreadable, 'row')} without a document"] if total.unreadable else []
    if options.markdown:
        print(as_markdown(rows), end="")
        for warning in warnings:
            print(warning, file=sys.stderr)
        return
    texts = f"{options.wanted:,} different texts"
    show(
        _table(rows),
        *warnings,
        f"{amount(planned, 'answer')} with fewer than {texts}: {folder / 'plan.jsonl'}",
        f"the page: {folder / 'coverage.html'}, the table: {folder / 'counts.tsv'}",
    )


def _parts(options: Coverage) -> Parts:
    parts = cut(reading(options.corpus, options.text_field, options.part_bytes), FORMAT)
    if not parts.parts:
        raise InputError(parts.unreadable[0] if parts.unreadable else "the files of --corpus are all empty")
    return parts


def _totals(total: Counts, files: int) -> list[tuple[str, int]]:
    rows = [("documents", total.documents), ("characters", total.characters)]
    rows += [("rows without a document", total.unreadable)] if total.unreadable else []
    return rows + ([("files that cannot be read", files)] if files else [])


def _table(rows: Sequence[Condition]) -> Table:
    numbers = [Column(name, justify="right") for name in ("documents", "texts", "times")]
    table = Table("condition", *numbers, "note", box=box.SIMPLE)
    for row in rows:
        table.add_row(*cells(row))
    return table
