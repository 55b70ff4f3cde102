"""What `python -m tanuki_jax.prepare` says and does."""

import dataclasses
import os
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from tanuki_jax.config import registry
from tanuki_jax.config.command_line import parse
from tanuki_jax.errors import InputError
from tanuki_jax.prepare.prepare import Prepared, prepare


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Trains the tokenizer of an experiment and makes the token stores of its mixture; what exists already is used as it is."""

    workers: int = 0
    """Processes that encode; 0: one for each core."""


def main(words: list[str]) -> None:
    """The command with these words behind its name."""
    experiment, options = parse("prepare", words, Options)
    if options.workers < 0:
        raise InputError(f"--workers is {options.workers}, and must not be negative")
    mixture = registry.mixture.find(experiment.data.mixture)
    prepared = prepare(experiment.data, mixture, options.workers or _cores())
    table = _table(prepared)
    console = Console(markup=False, highlight=False)
    console.width = max(console.width, console.measure(table, options=console.options.update(max_width=1_000)).maximum)
    console.print(table)


def _cores() -> int:
    """Cores that this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _table(prepared: Sequence[Prepared]) -> Table:
    table = Table(box=box.SIMPLE)
    table.add_column("source")
    for column in ("documents", "characters", "tokens", "per character", "median", "malformed"):
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
            "new" if entry.is_new else "up to date",
        )
    return table
