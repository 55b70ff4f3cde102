"""Pages of HTML from Jinja templates: each is one file, without a script and without the network.

jinja2 is imported when a page is made, not before.
"""

import base64
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TEMPLATES = Path(__file__).parent / "templates"
"""`page.html.jinja`, which other templates extend, and `parts.html.jinja`, which they import."""


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of a table."""

    cells: Sequence[str]
    marked: bool = False
    """Whether the row is highlighted."""
    heading: bool = False
    """Whether its first cell names the group of rows below it; the other cells are empty."""
    text: str = ""
    """Text below the row, as wide as the table; empty: none."""


def render(template: Path, **values: Any) -> str:
    """Return the page that a template makes of the values; their text is escaped.

    The filters `count` (thousands separated) and `data_url` (of a PNG) are defined in addition to those of Jinja.

    Raises:
        jinja2.UndefinedError: the template uses a value that is missing.
    """
    import jinja2

    loader = jinja2.FileSystemLoader([template.parent, TEMPLATES])
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"count": "{:,}".format, "data_url": _data_url}
    return environment.get_template(template.name).render(values) + "\n"


def _data_url(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
