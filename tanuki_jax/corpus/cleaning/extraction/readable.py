"""The kept blocks of a page as lines: headings, paragraphs, items of lists and rows of tables."""

import re

from tanuki_jax.corpus.cleaning.extraction.blocks import BREAK, Page
from tanuki_jax.corpus.cleaning.extraction.boilerplate import HEADINGS
from tanuki_jax.corpus.cleaning.extraction.broken_lines import joined
from tanuki_jax.corpus.cleaning.extraction.characters import unified

_CELLS = ("td", "th")
_LONGEST_CELL = 200
_TIGHT = ("li", "dt", "dd", "tr", "figcaption", "caption", "pre")
_PARAGRAPHS = re.compile(rf"{BREAK}(?:[ \u3000]*{BREAK})+")
_LINE_SPACE = re.compile(r"[ \u3000]*\u3000[ \u3000]*|  +")


def text_of(page: Page, kept: list[bool]) -> str:
    """Return the kept blocks as text: a blank line separates paragraphs; items begin with "- " or their number, those
    of inner lists with two spaces before; the cells of a row are separated by " | "."""
    rows = _rows_of_data(page)
    parts: list[tuple[str, str]] = []  # (separator before, text)
    previous = ""
    number = 0
    blocks = page.blocks
    while number < len(blocks):
        if not kept[number]:
            number += 1
            continue
        row = rows.get(number)
        if row is not None:
            text, kind = _row(page, row, kept), "tr"
            number = row[-1] + 1
        else:
            text, kind = _block(page, number)
            number += 1
        if text.strip(" |"):
            tight = kind in _TIGHT and (kind == previous or {kind, previous} == {"dt", "dd"})
            parts.append(("\n" if tight else "\n\n", text))
            previous = kind
    return unified("".join(separator + text for separator, text in parts)).strip("\n")


def _block(page: Page, number: int) -> tuple[str, str]:
    """Return the text of a block, and the kind of line by which it is separated from its neighbours."""
    block = page.blocks[number]
    tag = page.nodes[block.node].tag
    if tag in ("pre", "listing", "xmp"):
        return "\n".join(line.rstrip() for line in block.text.split("\n")), "p"
    text = "\n".join(_lines(block.text))
    if tag in HEADINGS:
        return text.replace("\n", " "), "h"
    item = page.nodes[block.node].item
    if item < 0:
        return text, tag if tag in _TIGHT else "p"
    indent = "  " * (page.nodes[item].lists - 1)
    first = page.nodes[item].first == number
    return indent + (_mark(page, item) if first else "  ") + text.replace("\n", f"\n{indent}  "), "li"


def _mark(page: Page, item: int) -> str:
    parent = page.nodes[item].parent
    if parent < 0 or page.nodes[parent].tag != "ol":
        return "- "
    return f"{page.nodes[item].number + 1}. "


def _lines(text: str) -> list[str]:
    """Return the lines of a block; two <br> in a row separate paragraphs."""
    if BREAK not in text:
        return [_line(text)]
    paragraphs = [
        "\n".join(joined([line for line in map(_line, part.split(BREAK)) if line])) for part in _PARAGRAPHS.split(text)
    ]
    return "\n\n".join(filter(None, paragraphs)).split("\n")


def _line(text: str) -> str:
    if text.isascii():
        return " ".join(text.split())
    if "\u3000" in text or "  " in text:
        text = _LINE_SPACE.sub(lambda found: "\u3000" if "\u3000" in found[0] else " ", text)
    return text.strip(" \u3000")


def _rows_of_data(page: Page) -> dict[int, list[int]]:
    """Return the rows of tables that hold data: number of the first block -> blocks, one or more a cell.

    A table is for layout if it holds another, a heading or a form, has one column, or has a cell of more than 200
    characters.
    """
    tables: list[int] = []  # the innermost table of each element; -1: none
    layout: dict[int, bool] = {}
    columns: dict[int, int] = {}
    for number, node in enumerate(page.nodes):
        outer = tables[node.parent] if node.parent >= 0 else -1
        if node.tag == "table":
            tables.append(number)
            layout[number], columns[number] = False, 0
        else:
            tables.append(outer)
        if outer < 0:
            continue
        if node.tag in ("table", "form", *HEADINGS):
            layout[outer] = True
        elif node.tag == "tr":
            columns[outer] = max(columns[outer], node.items)
        elif node.tag in _CELLS and node.last - node.first:
            length = sum(len(block.text) for block in page.blocks[node.first : node.last])
            layout[outer] = layout[outer] or length > _LONGEST_CELL
    return {
        node.first: list(range(node.first, node.last))
        for node, table in zip(page.nodes, tables, strict=True)
        if node.tag == "tr" and node.last > node.first and table >= 0 and not layout[table] and columns[table] >= 2
    }


def _row(page: Page, row: list[int], kept: list[bool]) -> str:
    cells: dict[int, list[str]] = {}
    for number in row:
        if kept[number]:
            node = page.blocks[number].node
            while page.nodes[node].tag not in (*_CELLS, "tr") and page.nodes[node].parent >= 0:
                node = page.nodes[node].parent
            cells.setdefault(node, []).append(" ".join(filter(None, _lines(page.blocks[number].text))))
    return " | ".join(" ".join(filter(None, texts)) for texts in cells.values()).strip()
