import io

import pytest
from rich.console import Console
from rich.table import Table

from tanuki_jax.base.tables import print_uncut, show


def test_a_wide_table_keeps_its_words() -> None:
    out = io.StringIO()
    table = Table("name")
    table.add_row("a" * 300)
    print_uncut(Console(file=out, width=40), table)
    assert "a" * 300 in out.getvalue()


def test_sentences_are_not_cut_either(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("name")
    table.add_row("[b]")
    show("a" * 300, table)
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == "a" * 300
    assert any("[b]" in line for line in rest)
