"""Blocks of outside tables: each as it is stated, the joined board, and the tiers of the probes."""

from collections.abc import Mapping, Sequence

from tanuki_jax.base.pages import Row
from tanuki_jax.base.progress import amount
from tanuki_jax.evaluation.report.joined_board import JoinedBoard, JoinedMetric, JoinedModel, unmeasured, unusable
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
    if own and (unused := unusable(table)):
        parts.append(f"Not in the joined table: {described(unused)}.")
    if runs and table.of_models:
        unknown = unmeasured(table, runs)
        if own and unknown:
            parts.append(f"Unknown to the runs: {', '.join(unknown)}.")
        if len(unknown) < len(table.rows):
            parts.append("Models that a run measured are marked.")
    meanings = "; ".join(f"{column.name}: {column.meaning}" for column in columns if column.meaning)
    return " ".join(parts) + (f"\nColumns: {meanings}." if meanings else "")


def described(unused: Mapping[str, str]) -> str:
    """Return columns with the reasons for which they are not used, as in `note (text), loss (no number)`."""
    return ", ".join(f"{name} ({reason})" for name, reason in unused.items())


def joined_block(board: JoinedBoard, tables: Sequence[OutsideTable], own: Sequence[OutsideTable]) -> Block | None:
    """Return the board that joins runs and tables of models, with a column for each model; None: there is nothing to
    join.

    Rows are the first metric of each benchmark, the columns of the package's tables that have a better side, and all
    columns of numbers of the user's tables. Models are those of runs, of the user's tables, and of several sources.

    Args:
        board: the join.
        tables: tables of the package.
        own: tables of the user.
    """
    names = {table.name for table in own}
    models = [model for model in board.models if model.measured or len(model.sources) > 1 or names & {*model.sources}]
    rows = []
    for title, metrics in _groups(board, tables, own):
        there = [metric for metric in metrics if any(metric.name in model.values for model in models)]
        rows += [Row((title, *("" for _ in models)), heading=True)] * bool(there)
        rows += [_joined_row(metric, models) for metric in there]
    if not rows:
        return None
    if any(model.tier for model in models):
        rows.insert(0, Row(("tier by probes", *(model.tier or "–" for model in models))))
    note = (
        "Models are joined by name, whatever the case and the organization before it. Those of the runs come first. "
        "↑: higher is better, ↓: lower is better."
    )
    shared = {table.name for table in (*tables, *own) if table.of_models}
    if others := sum(model not in models and bool({*model.sources} & shared) for model in board.models):
        note += f" {amount(others, 'model')} of one table alone: only in that table."
    return Block("Runs and tables joined", ("metric", *(model.label for model in models)), rows, note=note)


def _groups(
    board: JoinedBoard, tables: Sequence[OutsideTable], own: Sequence[OutsideTable]
) -> list[tuple[str, list[JoinedMetric]]]:
    """Return the metrics of the joined board below the titles of their sources."""
    groups = [("Benchmarks of the runs, the first metric of each", [m for m in board.metrics.values() if m.first])]
    for table in [table for table in (*own, *tables) if table.of_models]:
        columns = [column for column in table.columns if column.measures]
        if table not in own:
            columns = [column for column in columns if column.direction and column.kind == "number"]
        groups.append((table.title, [board.metrics[f"{table.name}.{column.name}"] for column in columns]))
    return groups


def _joined_row(metric: JoinedMetric, models: Sequence[JoinedModel]) -> Row:
    """Return a row of numbers: of a table as they are stated there, of a run with the decimals of the row."""
    name = f"{metric.name} {SIGNS[metric.direction]}".strip()
    if not metric.measured:
        return Row((name, *(model.texts.get(metric.name) or "–" for model in models)))
    values = [model.values.get(metric.name) for model in models]
    form = figures(values)
    return Row((name, *("–" if value is None else f"{value:{form}}" for value in values)))
