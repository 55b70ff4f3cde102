"""The work of `arena rate`, and its output."""

from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.table import Table

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.command import printable
from tanuki_jax.base.errors import InputError
from tanuki_jax.base.tables import show
from tanuki_jax.evaluation.arena.board_page import counted_votes, page_blocks
from tanuki_jax.evaluation.arena.board_table import HEAD, as_csv, board_cells
from tanuki_jax.evaluation.arena.part_blocks import reasons
from tanuki_jax.evaluation.arena.rate_options import Rate
from tanuki_jax.evaluation.arena.rated_votes import Draw, RatedVotes, rate_all
from tanuki_jax.evaluation.ratings.battles import Battle
from tanuki_jax.evaluation.ratings.vote_files import read_votes
from tanuki_jax.evaluation.report.picture_names import font_advice, lack_font
from tanuki_jax.evaluation.report.report_block import as_page


def rate(options: Rate) -> None:
    """Write the board and its page, and print the board and where they are.

    Raises:
        InputError: a file cannot be read, no anchor is named, or the votes cannot be rated.
    """
    files, output = [Path(name) for name in options.votes], Path(options.output)
    _check_files(files, output)
    battles = [battle for file in files for battle in read_votes(file)]
    _check_anchor(options.anchor, battles)
    draw = Draw(options.unit, options.repetitions, options.seed)
    rated = rate_all(battles, options.anchor, draw, options.style)
    title = f"Board from {', '.join(file.name for file in files) if len(files) < 4 else f'{len(files)} files'}"
    page = output.with_suffix(".html")
    html = as_page(title, page_blocks(rated))
    output.parent.mkdir(parents=True, exist_ok=True)
    replace_text(output, as_csv(rated))
    replace_text(page, html)
    show(
        _table(rated),
        counted_votes(rated),
        *_missing(rated),
        *([font_advice()] if lack_font(rated.board.models) else []),
        f"the board: {output}, its page: {page}",
    )


def _check_files(files: Sequence[Path], output: Path) -> None:
    if output.suffix.lower() != ".csv":
        raise InputError(f"--output is {str(output)!r}, and must end with .csv")
    resolved = [file.resolve() for file in files]
    if repeated := [file for file in files if resolved.count(file.resolve()) > 1]:
        raise InputError(f"{repeated[0]} is named twice, and its votes would count twice; name it once")
    if output.resolve() in resolved:
        raise InputError(f"--output is {str(output)!r}, which is a file of votes; name another")


def _check_anchor(anchor: str, battles: Sequence[Battle]) -> None:
    if not anchor:
        models = sorted({name for battle in battles for name in (battle.model_a, battle.model_b)})
        raise InputError(f"--anchor must name the model with a rating of 1000, one of {', '.join(models)}")


def _table(rated: RatedVotes) -> Table:
    table = Table(box=box.SIMPLE)
    for number, name in enumerate(HEAD):
        table.add_column(name, justify="right" if number else "left")
    for cells in board_cells(rated):
        table.add_row(*(printable(cell) for cell in cells))
    return table


def _missing(rated: RatedVotes) -> list[str]:
    """Return sentences on the boards that the page does not have."""
    missing = [reason for label, parts in rated.parts.items() for reason in reasons(label, parts)]
    if rated.style_reason:
        missing.append(f"The board at equal style is missing: {rated.style_reason}.")
    return [printable(sentence) for sentence in missing]
