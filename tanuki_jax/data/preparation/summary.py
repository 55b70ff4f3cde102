"""The table that `prepare` prints when it is done, and the steps of one pass over each source."""

from collections.abc import Sequence

from rich import box
from rich.table import Table

from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.mixture import Mixture
from tanuki_jax.data.epoch_steps import steps_of_a_pass
from tanuki_jax.data.preparation.prepare_data import Prepared

OPTIONAL = {"records": "records", "learned_tokens": "learned", "dropped": "dropped", "shortened": "shortened"}
"""Statistic -> column of the table where a source has it, and not 0."""


def passes(experiment: Experiment, mixture: Mixture, prepared: Sequence[Prepared]) -> str:
    """Return the sentence that says how many steps go over each source once."""
    stores = {entry.store.name: entry.store for entry in prepared}
    steps = steps_of_a_pass(stores, mixture, experiment.data, experiment.seed)
    told = ", ".join(f"{name} {count:,}" for name, count in steps.items())
    return f"steps of one pass, packed in batches of {experiment.data.batch_rows:,} rows: {told}; this run has {experiment.steps:,} steps"


def table(prepared: Sequence[Prepared]) -> Table:
    """Return a table with a row of statistics for each source."""
    result = Table(box=box.SIMPLE)
    result.add_column("source")
    optional = [name for name in OPTIONAL if any(entry.store.statistics.get(name) for entry in prepared)]
    columns = (
        "documents",
        "characters",
        "tokens",
        "per character",
        "median",
        "malformed",
        *(OPTIONAL[name] for name in optional),
    )
    for column in columns:
        result.add_column(column, justify="right")
    result.add_column("store")
    for entry in prepared:
        counts = entry.store.statistics
        result.add_row(
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
    return result
