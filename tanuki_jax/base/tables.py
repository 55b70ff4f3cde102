"""Tables of rich that are not cut where the output is narrow, or no terminal."""

from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_uncut(console: Console, table: Table) -> None:
    """Print a table, and widen the console if it needs more than its width; up to 1,000 columns."""
    widest = console.measure(table, options=console.options.update(max_width=1_000)).maximum
    console.width = max(console.width, widest)
    console.print(table)


def show(*parts: Table | Text | str) -> None:
    """Print tables and sentences on stdout, none of them cut where it is narrow."""
    console = Console(markup=False, highlight=False)
    for part in parts:
        if isinstance(part, Table):
            print_uncut(console, part)
        else:
            console.print(part, soft_wrap=True)
