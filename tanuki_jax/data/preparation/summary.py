"""Summary that `prepare` prints: a table of the stores, and the steps of one epoch of each source."""

import bisect
from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table

from tanuki_jax.config.experiment import Data, Experiment
from tanuki_jax.config.mixture import Mixture
from tanuki_jax.data import packing
from tanuki_jax.data.mixing import RowMixture
from tanuki_jax.data.preparation.prepare_data import PreparedStore
from tanuki_jax.data.store import Store

OPTIONAL = {
    "records": "records",
    "learned_tokens": "learned",
    "dropped": "dropped",
    "shortened": "shortened",
    "unused": "unused",
}
"""Statistic -> column of the table, which is shown if a source has the statistic and it is not 0."""
NEVER = 1 << 40
"""Data step that no run reaches."""


def epoch_line(experiment: Experiment, mixture: Mixture, prepared: Sequence[PreparedStore]) -> str:
    """Return a line with the steps of one epoch of each source."""
    stores = {entry.store.name: entry.store for entry in prepared}
    steps = epoch_steps(stores, mixture, experiment.data, experiment.seed)
    listed = ", ".join(f"{name} {count:,}" for name, count in steps.items())
    return (
        f"steps per epoch, in batches of {experiment.data.batch_rows:,} rows: {listed}; "
        f"this run has {experiment.steps:,} steps"
    )


def epoch_steps(stores: Mapping[str, Store], mixture: Mixture, data: Data, seed: int) -> dict[str, int]:
    """Return source -> first data step before which one epoch has been read, without sources that never get so far."""
    row_mixture = RowMixture(mixture, data.batch_rows)
    steps = {}
    for name in row_mixture.sources:
        settings = packing.Settings.of(data, "train", seed, epoch=0)
        rows = packing.plan(stores[name], settings, stores[name].folder / "plans").rows
        step = bisect.bisect_left(range(NEVER), rows, key=lambda step: row_mixture.consumed(step)[name])
        if step < NEVER:
            steps[name] = step
    return steps


def table(prepared: Sequence[PreparedStore]) -> Table:
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
