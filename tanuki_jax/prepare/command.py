"""What `python -m tanuki_jax.prepare` says and does."""

import dataclasses
import os
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from tanuki_jax.config import registry
from tanuki_jax.config.command_line import parse
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.mixture import Mixture
from tanuki_jax.data.passes import steps_of_a_pass
from tanuki_jax.errors import InputError
from tanuki_jax.prepare.prepare import Prepared, prepare
from tanuki_jax.prepare.preview import preview

OPTIONAL = {"records": "records", "learned_tokens": "learned", "dropped": "dropped", "shortened": "shortened"}
"""Statistic -> column of the table where a source has it, and not 0."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Trains the tokenizer of an experiment and makes the token stores of its mixture; what exists already is used as it is."""

    workers: int = 0
    """Processes that encode; 0: one for each core."""
    preview: int = 0
    """Make nothing, but print so many records of each source of chats or preferences, with what is learned in colour."""


def main(words: list[str]) -> None:
    """The command with these words behind its name."""
    experiment, options = parse("prepare", words, Options)
    if options.workers < 0:
        raise InputError(f"--workers is {options.workers}, and must not be negative")
    if options.preview < 0:
        raise InputError(f"--preview is {options.preview}, and must not be negative")
    mixture = registry.mixture.find(experiment.data.mixture)
    if options.preview:
        console = Console(markup=False, highlight=False)
        for text in preview(experiment.data, mixture, options.preview):
            console.print(text, soft_wrap=True)
        return
    prepared = prepare(experiment.data, mixture, options.workers or _cores())
    table = _table(prepared)
    console = Console(markup=False, highlight=False)
    console.width = max(console.width, console.measure(table, options=console.options.update(max_width=1_000)).maximum)
    console.print(table)
    if any(entry.store.has_learned for entry in prepared):
        console.print(_passes(experiment, mixture, prepared), soft_wrap=True)


def _cores() -> int:
    """Cores that this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _passes(experiment: Experiment, mixture: Mixture, prepared: Sequence[Prepared]) -> str:
    """How many steps go over each source once."""
    stores = {entry.store.name: entry.store for entry in prepared}
    steps = steps_of_a_pass(stores, mixture, experiment.data, experiment.seed)
    told = ", ".join(f"{name} {count:,}" for name, count in steps.items())
    return f"steps of one pass, packed in batches of {experiment.data.batch_rows:,} rows: {told}; this run has {experiment.steps:,} steps"


def _table(prepared: Sequence[Prepared]) -> Table:
    table = Table(box=box.SIMPLE)
    table.add_column("source")
    optional = [name for name in OPTIONAL if any(entry.store.statistics.get(name) for entry in prepared)]
    columns = ("documents", "characters", "tokens", "per character", "median", "malformed", *(OPTIONAL[name] for name in optional))
    for column in columns:
        table.add_column(column, justify="right")
    table.add_column("store")
    for entry in prepared:
        counts = entry.store.statistics
        table.add_row(
            entry.store.name,
            f"{counts['documents']:,}",
            f"{counts['characters']:,}",
            f"{counts['tokens']:,}",
            f"{counts['tokens_per_character']:.3f}",
            f"{counts['document_tokens_percentiles']['50']:,}",
            f"{counts['malformed']:,}",
            *(f"{counts[name]:,}" if name in counts else "" for name in optional),
            "new" if entry.is_new else "up to date",
        )
    return table
