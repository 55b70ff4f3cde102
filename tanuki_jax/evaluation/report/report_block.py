"""Blocks of a report: each is a title, a remark and a table, perhaps with a picture, for the page and for Markdown."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from tanuki_jax.base.pages import Row, render
from tanuki_jax.evaluation.tables.table_cells import Direction

_TEMPLATE = Path(__file__).parent / "templates" / "report.html.jinja"
SIGNS: dict[Direction, str] = {"higher": "↑", "lower": "↓", "": ""}
"""Better side of a column or metric -> its sign."""


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture of the page."""

    png: bytes
    description: str
    """Text for readers who cannot see it."""


@dataclasses.dataclass(frozen=True)
class Block:
    """A part of a report."""

    title: str
    """Name of the content; empty: the block continues the one before it."""
    head: Sequence[str] = ()
    """Names of the columns."""
    rows: Sequence[Row] = ()
    left: int = 1
    """Number of columns of text, which come first; the others are numbers."""
    note: str = ""
    """Remark below the title; each line is a paragraph."""
    pictures: Sequence[Picture] = ()
    links: Sequence[tuple[str, str]] = ()
    """Text and address of links to other files of the report."""
    section: bool = True
    """Whether the title is one of a section, not of a part of it."""
    folded: Sequence[tuple[str, str]] = ()
    """Summary and text of parts that are shown on a click, and not in Markdown."""


def figures(values: Sequence[float | None]) -> str:
    """Return the format of numbers of one kind: three decimals for shares, two for larger numbers."""
    return ".2f" if any(value is not None and abs(value) > 1 for value in values) else ".3f"


def interval(value: float | None, low: float | None, high: float | None, form: str) -> str:
    """Return a number with its interval, as in `0.512 [0.410, 0.620]`."""
    if value is None:
        return "none"
    if low is None or high is None:
        return f"{value:{form}}"
    return f"{value:{form}} [{low:{form}}, {high:{form}}]"


def as_page(title: str, blocks: Sequence[Block]) -> str:
    """Return a report as a page of HTML with its pictures inside."""
    return render(_TEMPLATE, title=title, blocks=blocks)


def as_markdown(title: str, blocks: Sequence[Block]) -> str:
    """Return a report as Markdown, without its pictures and folded parts."""
    lines = [f"# {_line(title)}", ""]
    for block in blocks:
        if block.title:
            lines += [f"{'##' if block.section else '###'} {_line(block.title)}", ""]
        if block.note:
            lines += [each for line in block.note.splitlines() for each in (_line(line), "")]
        if block.rows:
            right = len(block.head) - block.left
            lines += [_row(block.head), f"|{' --- |' * block.left}{' ---: |' * right}"]
            lines += [_row(row.cells, heading=row.heading) for row in block.rows]
            lines += [""]
        lines += [f"[{_line(text)}]({address})\n" for text, address in block.links]
    return "\n".join(lines).rstrip() + "\n"


def _row(cells: Sequence[str], *, heading: bool = False) -> str:
    first, *others = (_line(cell) for cell in cells)
    return "| " + " | ".join([f"**{first}**" if heading else first, *others]) + " |"


def _line(text: str) -> str:
    """Return a text as one line in which nothing is a mark of Markdown or HTML."""
    escaped = "".join(f"\\{char}" if char in "\\`*_[]|<>" else char for char in " ".join(text.split()))
    return escaped.replace("#", "\\#") if escaped.startswith("#") else escaped
