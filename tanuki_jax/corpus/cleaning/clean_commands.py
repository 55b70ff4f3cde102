"""The work of `clean`, `clean score`, `clean audit` and `clean train`, and their output."""

import asyncio
import math
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from tanuki_jax.base.cores import usable_cores
from tanuki_jax.base.errors import InputError
from tanuki_jax.base.tables import print_uncut
from tanuki_jax.corpus.cleaning.audit.sample import LabelFile, draw
from tanuki_jax.corpus.cleaning.audit.shares import agreements, shares_of
from tanuki_jax.corpus.cleaning.clean_options import Audit, Run, Score, Train
from tanuki_jax.corpus.cleaning.engines.engine import Engine, Local
from tanuki_jax.corpus.cleaning.pipeline import Pipeline
from tanuki_jax.corpus.cleaning.report.cleaning_page import write_page
from tanuki_jax.corpus.cleaning.report.cleaning_table import summary, table
from tanuki_jax.corpus.cleaning.run_cleaning import check_works, clean
from tanuki_jax.corpus.cleaning.score_documents import score_file


def run(pipeline: Pipeline, options: Run) -> None:
    """Clean a corpus, write the report, and print the table."""
    folder = Path(options.out or f"corpora/{pipeline.name}")
    finished = clean(pipeline, folder, _engine(options, folder / "logs"))
    write_page(finished)
    _print(table(finished), *summary(finished))


def score(pipeline: Pipeline, options: Score) -> None:
    """Score the documents of a file."""
    check_works(pipeline)
    counts = score_file(pipeline, options.input, Path(options.output), options.text_field)
    if counts.rows and not counts.texts:
        raise InputError(f"none of the {counts.rows:,} rows of {options.input} has a text: name its --text-field")
    _print(f"{counts.rows:,} rows, {counts.texts:,} with a text, {counts.kept:,} kept: {options.output}")


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
    labelled = [(row["text"], row["label"]) for row in labels.rows]
    for each in agreements(pipeline.rules, labelled, frozenset(options.wanted)):
        counts = [f"{each.dropped.get(name, 0):,}" for name in options.categories]
        rules.add_row(
            each.rule, f"{sum(each.dropped.values()):,}", *counts, _percent(each.precision), _percent(each.recall)
        )
    _print(shares, "Documents that each rule drops, by category; precision and recall of what is not wanted:", rules)


def train(options: Train) -> None:
    """Train the quality model, and print accuracy and AUC on texts that it did not see."""
    from tanuki_jax.corpus.cleaning.quality.fasttext_model import train_fasttext
    from tanuki_jax.corpus.cleaning.quality.labelled import read_labelled
    from tanuki_jax.corpus.cleaning.quality.measure import measure_model
    from tanuki_jax.corpus.cleaning.quality.training import LEAST_LABELS
    from tanuki_jax.corpus.cleaning.quality.training import train as train_linear

    labelled, model = read_labelled(Path(options.labelled)), Path(options.model)
    least = min(sum(each.good for each in labelled), sum(not each.good for each in labelled))
    if least < LEAST_LABELS:
        rarer = f"{least} texts with the rarer of the labels good and bad"
        raise InputError(f"{options.labelled} has {rarer}; give at least {LEAST_LABELS}")
    texts, good = [each.text for each in labelled], [each.good for each in labelled]
    model.parent.mkdir(parents=True, exist_ok=True)
    if options.kind == "fasttext":
        train_fasttext(texts, good, model)
    else:
        train_linear(texts, good).save(model)
        if options.shuffles:
            _print(
                f"{model} is trained; measuring {5 * options.shuffles} times takes longer (--shuffles 0: not at all)"
            )
            found = measure_model(labelled, options.shuffles)
            _print(
                f"on texts that it did not see (five folds, {options.shuffles} shuffles): "
                f"accuracy {found.accuracy:.3f}, AUC {found.auc:.3f}"
            )
    _print(
        f"{sum(good):,} good and {len(good) - sum(good):,} bad texts: {model}; use it by --rules.quality.model {model}"
    )


def _engine(options: Run, logs: Path) -> Engine:
    match options.engine:
        case "local":
            return Local(options.workers or usable_cores())
        case "slurm":
            from tanuki_jax.corpus.cleaning.engines.slurm import Slurm, require_slurm

            require_slurm()
            return Slurm(options.slurm, options.workers, logs)
        case "ray":
            from tanuki_jax.corpus.cleaning.engines.ray_cluster import RayCluster

            return RayCluster(options.ray, options.workers)


def _print(*parts: Table | str) -> None:
    console = Console(markup=False, highlight=False)
    for part in parts:
        if isinstance(part, Table):
            print_uncut(console, part)
        else:
            console.print(part, soft_wrap=True)


def _percent(share: float) -> str:
    return "" if math.isnan(share) else f"{share:.0%}"
