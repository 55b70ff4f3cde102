"""A page of HTML that is one file: text, tables and pictures, without a script and without the network."""

import base64
import html
import string
from collections.abc import Sequence

_PAGE = string.Template(
    """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
body { font: 16px/1.55 system-ui, "Hiragino Sans", "Noto Sans CJK JP", "Noto Sans JP", "Yu Gothic", sans-serif;
  color: #1c1c1c; background: #fff; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; border-bottom: 1px solid #ddd; }
img { max-width: 100%; height: auto; display: block; margin: 0.8rem 0; }
table { border-collapse: collapse; font-size: 0.86rem; margin: 0.8rem 0; }
th, td { padding: 0.2rem 0.6rem; text-align: right; border-bottom: 1px solid #eee; vertical-align: top; }
th { font-weight: 600; white-space: nowrap; } .left { text-align: left; }
tr.marked td { background: #fbeeec; }
td.text { text-align: left; color: #444; padding-bottom: 0.7rem; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
.note { color: #555; font-size: 0.9rem; }
</style>
</head>
<body>
$body
</body>
</html>
"""
)


def page(title: str, parts: Sequence[str]) -> str:
    """The whole file, of a title in plain text and parts in HTML."""
    return _PAGE.substitute(title=html.escape(title), body="\n".join([f"<h1>{html.escape(title)}</h1>", *parts]))


def heading(text: str) -> str:
    """The beginning of a section."""
    return f"<h2>{html.escape(text)}</h2>"


def paragraph(text: str, *, note: bool = False) -> str:
    """Plain text; a note is what one need not read."""
    return f'<p class="note">{html.escape(text)}</p>' if note else f"<p>{html.escape(text)}</p>"


def list_of(items: Sequence[str]) -> str:
    """A numbered list of plain texts."""
    return "<ol>\n" + "\n".join(f"<li>{html.escape(item)}</li>" for item in items) + "\n</ol>"


def picture(png: bytes, described: str) -> str:
    """A PNG inside the page, and what it shows for those who cannot see it."""
    return f'<img src="data:image/png;base64,{base64.b64encode(png).decode("ascii")}" alt="{html.escape(described)}">'


def row(cells: Sequence[str], left: int = 1, *, marked: bool = False) -> str:
    """A row of a table, its first `left` cells set to the left, the others, which are numbers, to the right."""
    made = (
        f'<td class="left">{html.escape(cell)}</td>' if at < left else f"<td>{html.escape(cell)}</td>"
        for at, cell in enumerate(cells)
    )
    return f'<tr class="marked">{"".join(made)}</tr>' if marked else f"<tr>{''.join(made)}</tr>"


def text_row(text: str, columns: int) -> str:
    """A row of a table that is one text."""
    return f'<tr><td class="text" colspan="{columns}">{html.escape(text)}</td></tr>'


def table(head: Sequence[str], rows: Sequence[str], left: int = 1) -> str:
    """A table of rows that `row` or `text_row` made."""
    names = "".join(
        f'<th class="left">{html.escape(name)}</th>' if at < left else f"<th>{html.escape(name)}</th>"
        for at, name in enumerate(head)
    )
    return (
        f'<div class="wide"><table>\n<thead><tr>{names}</tr></thead>\n<tbody>\n'
        + "\n".join(rows)
        + "\n</tbody></table></div>"
    )
