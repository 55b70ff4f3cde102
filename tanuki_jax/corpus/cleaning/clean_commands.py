"""The work of `clean`, `clean score` and `clean audit`, and their output."""

import asyncio
import math
from pathlib import Path

from rich import box
from rich.table import Table

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.tables import show
from tanuki_jax.corpus.cleaning.audit.sample import LabelFile, draw
from tanuki_jax.corpus.cleaning.audit.shares import agreements, shares_of
from tanuki_jax.corpus.cleaning.clean_options import Audit, Run, Score
from tanuki_jax.corpus.cleaning.pipeline import Pipeline
from tanuki_jax.corpus.cleaning.report.cleaning_page import write_page
from tanuki_jax.corpus.cleaning.report.cleaning_table import summary, table
from tanuki_jax.corpus.cleaning.report.token_estimate import Encoder, estimated
from tanuki_jax.corpus.cleaning.run_cleaning import check_works, clean
from tanuki_jax.corpus.cleaning.score_documents import score_file


def run(pipeline: Pipeline, options: Run, encoder: Encoder | None) -> None:
    """Clean a corpus, write the report, and print the table.

    Args:
        pipeline: the pipeline.
        options: options of the command.
        encoder: the pipeline's tokenizer; None: it names none.
    """
    folder = Path(options.out or f"corpora/{pipeline.name}")
    finished = clean(pipeline, folder, options.make_engine(folder / "logs"))
    tokens = estimated(finished, encoder) if encoder is not None else None
    write_page(finished, tokens)
    show(table(finished), *summary(finished, tokens))


def score(pipeline: Pipeline, options: Score) -> None:
    """Score the documents of a file."""
    check_works(pipeline)
    counts = score_file(pipeline, options.input, Path(options.output), options.text_field)
    if counts.rows and not counts.texts:
        raise InputError(f"none of the {counts.rows:,} rows of {options.input} has a text: name its --text-field")
    show(f"{counts.rows:,} rows, {counts.texts:,} with a text, {counts.kept:,} kept: {options.output}")


def audit(pipeline: Pipeline, options: Audit) -> None:
    """Label a sample, and print shares of the categories and the agreement of the rules."""
    if unknown := sorted(set(options.wanted) - set(options.categories)):
        raise InputError(f"--wanted names {unknown[0]!r}, which is none of --categories {' '.join(options.categories)}")
    labels = LabelFile(Path(options.labels))
    if not options.show:
        missing = labels.missing(draw(pipeline, options.count, options.seed))
        if options.judge:
            from tanuki_jax.config.endpoints import Endpoint
            from tanuki_jax.corpus.cleaning.audit.ask_judge import judge

            endpoint = Endpoint(url=options.judge, model=options.judge_model)
            asyncio.run(judge(missing, options.categories, endpoint, labels.add))
        else:
            from tanuki_jax.corpus.cleaning.audit.ask_person import ask

            ask(missing, options.categories, labels.add)
    if not labels.rows:
        raise InputError(f"{options.labels} has no label yet: run the command without --show, and label some documents")
    shares = Table("category", "documents", "share", "95% interval", box=box.SIMPLE)
    for name, found in shares_of(row["label"] for row in labels.rows).items():
        shares.add_row(name, f"{found.count:,}", f"{found.share:.1%}", f"{found.low:.1%} to {found.high:.1%}")
    rules = Table("rule", "dropped", *options.categories, "precision", "recall", box=box.SIMPLE)
    for each in agreements(pipeline.rules, labels.rows, frozenset(options.wanted)):
        counts = [f"{each.dropped.get(name, 0):,}" for name in options.categories]
        rules.add_row(
            each.rule, f"{sum(each.dropped.values()):,}", *counts, _percent(each.precision), _percent(each.recall)
        )
    show(shares, "Documents that each rule drops, by category; precision and recall of what is not wanted:", rules)


def _percent(share: float) -> str:
    return "" if math.isnan(share) else f"{share:.0%}"
