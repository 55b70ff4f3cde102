import io

from rich.console import Console
from rich.table import Table

from tanuki_jax.base.tables import print_uncut


def test_a_wide_table_keeps_its_words() -> None:
    out = io.StringIO()
    table = Table("name")
    table.add_row("a" * 300)
    print_uncut(Console(file=out, width=40), table)
    assert "a" * 300 in out.getvalue()
