"""Blocks of outside tables: each as it is stated, the joined board, and the tiers of the probes."""

from collections.abc import Sequence

from tanuki_jax.base.pages import Row
from tanuki_jax.base.progress import amount
from tanuki_jax.evaluation.report.joined_board import JoinedBoard, JoinedMetric, JoinedModel, unmeasured
from tanuki_jax.evaluation.report.read_results import Figure, RunResults
from tanuki_jax.evaluation.report.report_block import SIGNS, Block, figures
from tanuki_jax.evaluation.tables.probe_tiers import Tier, has_tiers, models_by_tier, tiers_of
from tanuki_jax.evaluation.tables.read_table import OutsideTable
from tanuki_jax.evaluation.tables.table_cells import Column, model_key


def table_blocks(table: OutsideTable, runs: Sequence[RunResults], *, own: bool = False) -> list[Block]:
    """Return the blocks of a table: its cells as they are stated, and the tiers if it has the probes.

    Args:
        table: the table.
        runs: runs, whose models are marked in it.
        own: whether it is the user's; models of it that no run measured are named.
    """
    measured = {model_key(run.model) for run in runs}
    columns = sorted(table.columns, key=lambda column: column.measures)  # text first, else in the table's order
    left = sum(not column.measures for column in columns)
    tiers = tiers_of(table) if has_tiers(table) else {}
    rows = [
        Row(
            (
                *(row.cells[column.name].text for column in columns[:left]),
                *_tier(tiers.get(row.label), tiers),
                *(_stated(row.cells[column.name].text, column) for column in columns[left:]),
            ),
            marked=table.of_models and model_key(row.label) in measured,
        )
        for row in table.rows
    ]
    if flags := [column.name for column in columns if column.kind == "flag"]:
        rows.append(Row(_sums(table, columns, flags, tiers)))
    heads = [_heading(column) for column in columns]
    head = (*heads[:left], *(["tier"] if tiers else []), *heads[left:])
    blocks = [Block(table.title, head, rows, left=left + bool(tiers), note=_note(table, columns, runs, own))]
    if tiers:
        members = [
            Row((tier.value, tier.rule, ", ".join(names), str(len(names)))) for tier, names in models_by_tier(tiers)
        ]
        blocks.append(
            Block("Tiers of the models", ("tier", "rule", "models", "number"), members, left=3, section=False)
        )
    return blocks


def run_tiers_block(runs: Sequence[RunResults]) -> Block | None:
    """Return a block on the runs that asked the questions of the probes; None: none did."""
    found = [(run, benchmark) for run in runs for benchmark in run.benchmarks if benchmark.tier]
    if not found:
        return None
    names = list(dict.fromkeys(name for _, benchmark in found for name in benchmark.figures))
    rows = [
        Row((run.label, benchmark.title, benchmark.tier, *(_share(benchmark.figures.get(name)) for name in names)))
        for run, benchmark in found
    ]
    note = "Shares of right answers, each question asked several times; the tier takes a question as right if most are."
    return Block("Probes of the runs", ("run", "benchmark", "tier", *names), rows, left=3, note=note)


def _share(value: Figure | None) -> str:
    return "–" if value is None else f"{value.value:.3f}"


def _stated(text: str, column: Column) -> str:
    if column.kind == "flag":
        return {"1": "○", "0": "×"}.get(text, text)
    return text


def _tier(tier: Tier | None, tiers: object) -> tuple[str, ...]:
    if not tiers:
        return ()
    return ("" if tier is None else tier.value,)


def _sums(table: OutsideTable, columns: Sequence[Column], flags: Sequence[str], tiers: object) -> tuple[str, ...]:
    """Return a row with the number of right answers in each column."""
    words = [column for column in columns if not column.measures]
    blank = ["right", *[""] * (len(words) - 1 + bool(tiers))]
    cells = []
    for column in columns[len(words) :]:
        values = [row.cells[column.name].number for row in table.rows]
        cells.append(f"{sum(value == 1 for value in values)}" if column.name in flags else "")
    return (*blank, *cells)


def _heading(column: Column) -> str:
    return column.name + (f" {SIGNS[column.direction]}" if column.kind == "number" and column.direction else "")


def _note(table: OutsideTable, columns: Sequence[Column], runs: Sequence[RunResults], own: bool) -> str:
    parts = [f"Source: {table.source}."]
    for column in columns:
        if column.kind == "number" and (sign := SIGNS[column.direction]) and sign not in "".join(parts):
            parts.append(f"{sign}: {column.direction} is better.")
    if any(column.kind == "flag" for column in columns):
        parts.append("○: right, ×: wrong.")
    if runs and table.of_models:
        unknown = unmeasured(table, runs)
        if own and unknown:
            parts.append(f"Unknown to the runs: {', '.join(unknown)}.")
        if len(unknown) < len(table.rows):
            parts.append("Models that a run measured are marked.")
    meanings = "; ".join(f"{column.name}: {column.meaning}" for column in columns if column.meaning)
    return " ".join(parts) + (f"\nColumns: {meanings}." if meanings else "")


def joined_block(board: JoinedBoard, tables: Sequence[OutsideTable]) -> Block | None:
    """Return the board that joins runs and tables of models; None: there is nothing to join.

    Columns are the first metric of each benchmark and the columns of tables that have a better side. Rows are the
    models of runs, the models of at least two sources, and those of the first table.
    """
    of_models = [table for table in tables if table.of_models]
    names = {table.name for table in of_models}
    metrics = [
        metric
        for metric in board.metrics.values()
        if metric.first or (metric.direction and not metric.flag and metric.name.partition(".")[0] in names)
    ]
    first = of_models[0].name if of_models else ""
    shown = [model for model in board.models if _is_shown(model, first)]
    if not shown or not metrics:
        return None
    with_tiers = any(model.tier for model in shown)
    forms = {
        metric.name: figures([model.values.get(metric.name) for model in shown])
        for metric in metrics
        if metric.measured
    }
    rows = [
        Row(
            (model.label, *([model.tier] if with_tiers else []), *(_value(model, metric, forms) for metric in metrics)),
            marked=model.measured,
        )
        for model in shown
    ]
    head = ("model", *(["tier by probes"] if with_tiers else []), *(metric.name for metric in metrics))
    others = sum(not _is_shown(model, first) and bool({*model.sources} & names) for model in board.models)
    note = "Models are joined by name, whatever the case and the organization before it. Models of runs are marked."
    if others:
        note += f" {amount(others, 'model')} of one table alone, other than {first}, are not here."
    return Block("Runs and tables joined", head, rows, left=2 if with_tiers else 1, note=note)


def _is_shown(model: JoinedModel, first: str) -> bool:
    return model.measured or first in model.sources or len(model.sources) > 1


def _value(model: JoinedModel, metric: JoinedMetric, forms: dict[str, str]) -> str:
    """Return a number: of a table as it is stated there, of a run with the decimals of its column."""
    if metric.measured:
        return f"{model.values[metric.name]:{forms[metric.name]}}" if metric.name in model.values else "–"
    return model.texts.get(metric.name, "–")
