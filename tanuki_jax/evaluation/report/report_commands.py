"""The work of `evaluate report`, and its output."""

from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.table import Table

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.progress import amount
from tanuki_jax.base.tables import show
from tanuki_jax.evaluation.report.joined_board import JoinedBoard, join, unmeasured, unusable
from tanuki_jax.evaluation.report.metric_pairs import (
    HEAD,
    TITLE,
    MetricPair,
    chosen_pairs,
    metric_pair,
    note_on_pairs,
    pair_cells,
    pairs_block,
    scatter_block,
)
from tanuki_jax.evaluation.report.model_columns import model_columns
from tanuki_jax.evaluation.report.nejumi_categories import nejumi_block
from tanuki_jax.evaluation.report.paired_runs import paired_block
from tanuki_jax.evaluation.report.picture_names import font_advice, lack_font
from tanuki_jax.evaluation.report.question_pages import write_question_pages
from tanuki_jax.evaluation.report.read_results import RunResults, read_runs
from tanuki_jax.evaluation.report.report_block import Block, as_markdown, as_page
from tanuki_jax.evaluation.report.report_options import Report
from tanuki_jax.evaluation.report.score_blocks import group_blocks, missing_block, runs_block, scores_block
from tanuki_jax.evaluation.report.table_blocks import described, joined_block, run_tiers_block, table_blocks
from tanuki_jax.evaluation.tables.outside_tables import TANUKIS, outside_tables
from tanuki_jax.evaluation.tables.read_table import OutsideTable


def report(options: Report) -> None:
    """Write the report, and print where it is.

    Raises:
        InputError: a run or a table cannot be read, or a metric or model is unknown.
    """
    runs = read_runs([Path(folder) for folder in dict.fromkeys(options.runs)])
    shipped, own = outside_tables(options.table)
    tables = [*own, *shipped]
    columns = model_columns(runs)
    board = join(tables, columns)
    left_out = _left_out(board, options.without)
    proposing = [table.name for table in tables if _proposes(table, options, alone=not (runs or own), own=own)]
    pairs = [metric_pair(board, x, y, left_out) for x, y in chosen_pairs(board, options.metrics, proposing)]
    folder = Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    title = _title(columns)
    blocks = [
        *(_of_runs(folder, runs, columns) if runs else []),
        *_of_tables(board, columns, shipped, own),
        *_of_pairs(board, pairs, sorted(left_out)),
    ]
    replace_text(folder / "report.html", as_page(title, blocks))
    replace_text(folder / "report.md", as_markdown(title, blocks))
    drawn = [*(column.label for column in columns), *(model.label for pair in pairs for model in pair.models)]
    apart = [(table, unusable(table)) for table in own]
    unknown = [(table, unmeasured(table, runs)) for table in own if runs and table.of_models]
    show(
        *(_correlations(pairs, sorted(left_out)) if options.correlate else []),
        *(f"table {table.name}, unknown to the runs: {', '.join(names)}" for table, names in unknown if names),
        *(f"table {table.name}, not in the joined table: {described(unused)}" for table, unused in apart if unused),
        *([font_advice()] if lack_font(drawn) else []),
        f"the page: {folder / 'report.html'}, as Markdown: {folder / 'report.md'}",
    )


def _left_out(board: JoinedBoard, names: Sequence[str]) -> frozenset[str]:
    """Return the labels of the models to leave out; those of the default only if a table has them."""
    return board.without([name for name in names if board.has(name)] if tuple(names) == TANUKIS else names)


def _proposes(table: OutsideTable, options: Report, *, alone: bool, own: Sequence[OutsideTable]) -> bool:
    """Whether the pairs that a table proposes are drawn: the user's tables, those that are named, and all of them if
    they are all that the report is on, or if correlations are to be printed."""
    return alone or options.correlate or table in own or table.name in options.table


def _title(columns: Sequence[RunResults]) -> str:
    if not columns:
        return "Evaluation: outside tables"
    names = ", ".join(each.label for each in columns) if len(columns) < 4 else amount(len(columns), "model")
    return f"Evaluation of {names}"


def _of_runs(folder: Path, runs: Sequence[RunResults], columns: Sequence[RunResults]) -> list[Block]:
    """Return the blocks on runs and the columns that they make, and write the pages of their questions."""
    pages_of_questions = write_question_pages(folder, columns)
    found = [missing_block(columns), nejumi_block(columns), paired_block(columns)]
    missing, categories, differences = ([] if block is None else [block] for block in found)
    scores = scores_block(columns, pages_of_questions)
    return [scores, *missing, *categories, *group_blocks(columns), *differences, runs_block(runs)]


def _of_tables(
    board: JoinedBoard, runs: Sequence[RunResults], shipped: Sequence[OutsideTable], own: Sequence[OutsideTable]
) -> list[Block]:
    joined = joined_block(board, shipped, own) if runs or own else None
    return [
        *(block for block in (joined, run_tiers_block(runs)) if block is not None),
        *(block for table in own for block in table_blocks(table, runs, own=True)),
        *(block for table in shipped for block in table_blocks(table, runs)),
    ]


def _of_pairs(board: JoinedBoard, pairs: Sequence[MetricPair], left_out: Sequence[str]) -> list[Block]:
    """Return the block of correlations, and one with a picture for each pair that two models have."""
    measured = frozenset(model.label for model in board.models if model.measured)
    pictures = [scatter_block(pair, measured) for pair in pairs if len(pair.models) > 1]
    return [pairs_block(pairs, left_out), *pictures] if pairs else []


def _correlations(pairs: Sequence[MetricPair], left_out: Sequence[str]) -> list[Table | str]:
    if not pairs:
        return [f"{TITLE}: no table proposes a pair; name metrics with --metrics"]
    table = Table(box=box.SIMPLE)
    for number, name in enumerate(HEAD):
        table.add_column(name, justify="left" if number < 2 else "right")
    for pair in pairs:
        table.add_row(*pair_cells(pair))
    return [f"{TITLE}. {note_on_pairs(left_out)}", table]
