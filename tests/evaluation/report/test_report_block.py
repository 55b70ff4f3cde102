"""Blocks as Markdown, and the format of numbers with their intervals."""

from tanuki_jax.base.pages import Row
from tanuki_jax.evaluation.report.report_block import Block, as_markdown, figures, interval


def test_shares_have_three_decimals_and_marks_two() -> None:
    assert [figures(values) for values in ([0.5, None, -1.0], [0.5, 6.6], [])] == [".3f", ".2f", ".3f"]


def test_a_number_is_shown_with_its_interval() -> None:
    assert interval(0.5, 0.4, 0.6, ".3f") == "0.500 [0.400, 0.600]"
    assert interval(-0.5, -0.6, 0.1, "+.2f") == "-0.50 [-0.60, +0.10]"
    assert interval(0.5, None, None, ".3f") == "0.500"
    assert interval(None, None, None, ".3f") == "none"


def test_markdown_has_titles_tables_and_links() -> None:
    blocks = [
        Block("Scores", ("name", "a"), [Row(("x", "0.5 [0.4, 0.6]"))], note="A note.", links=[("all", "q/a.html")]),
        Block("By level", section=False, folded=[("summary", "hidden")]),
    ]
    assert as_markdown("Report", blocks) == (
        "# Report\n\n## Scores\n\nA note.\n\n| name | a |\n| --- | ---: |\n| x | 0.5 \\[0.4, 0.6\\] |\n\n"
        "[all](q/a.html)\n\n### By level\n"
    )


def test_the_name_of_a_group_of_rows_is_bold() -> None:
    rows = [Row(("MT-Bench", ""), heading=True), Row(("rating", "7"))]
    assert "| **MT-Bench** |  |\n| rating | 7 |" in as_markdown("T", [Block("", ("metric", "a"), rows)])


def test_text_is_no_mark_of_markdown() -> None:
    rows = [Row(("a|b\nc *d* `e` <f> # g", "1"))]
    text = as_markdown("# T", [Block("", ("h", "n"), rows)])
    assert text.startswith("# \\# T\n")
    assert "| a\\|b c \\*d\\* \\`e\\` \\<f\\> # g | 1 |" in text
