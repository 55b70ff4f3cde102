"""Questions about tables in three layouts: reading, adding and comparing, then shares and means, then chances."""

from fractions import Fraction
from typing import Any

from tanuki_jax.corpus.tasks.answer_values import show
from tanuki_jax.corpus.tasks.grids import (
    BY_TITLE,
    SUBJECTS,
    Quantity,
    draw_column,
    draw_rows,
    draw_subject,
    grid_of,
)
from tanuki_jax.corpus.tasks.surveys import SURVEYS
from tanuki_jax.corpus.tasks.word_problems import Draw, Kind, WordProblems, between, crossed, different, pick

_TABLES = (
    "次の表は、{1}をまとめたものです。\n{0:grid}\n",
    "{name}が{1}を調べて、次のように書き出しました。\n{0:list}\n",
    "{1}のデータが、カンマで区切られています。\n{0:csv}\n",
)
"""Openings: the table in each of the three layouts."""


def _table(draw: Draw) -> tuple[str, tuple[str, ...], tuple[int, ...], tuple[int, ...]]:
    subject = draw_subject(draw)
    rows = draw_rows(draw, subject, 3, 5)
    one, two = subject.quantities
    return subject.title, rows, draw_column(draw, one, len(rows)), draw_column(draw, two, len(rows))


def _with_column(draw: Draw) -> tuple[Any, ...]:
    return (*_table(draw), between(draw, 0, 1))


def _with_row(draw: Draw) -> tuple[Any, ...]:
    table = _table(draw)
    return (*table, between(draw, 0, 1), between(draw, 0, len(table[1]) - 1))


def _with_two_rows(draw: Draw) -> tuple[Any, ...]:
    table = _table(draw)
    return (*table, between(draw, 0, 1), *different(draw, 2, 0, len(table[1]) - 1))


def _with_rank(draw: Draw) -> tuple[Any, ...]:
    table = _table(draw)
    return (*table, between(draw, 0, 1), between(draw, 2, len(table[1]) - 1))


def _quantity(title: str, column: int) -> Quantity:
    return BY_TITLE[title].quantities[column]


def _shown(title: str, rows: Any, first: Any, second: Any, column: int, *positions: int) -> tuple[object, ...]:
    """Return the table, its title, name, unit and adjective of the column, the question word, and names of rows."""
    quantity = _quantity(title, column)
    names = [rows[position] for position in positions if position < len(rows)]
    grid = grid_of(title, rows, first, second)
    return (grid, title, quantity.name, quantity.unit, quantity.more, BY_TITLE[title].which, *names)


def _unit(title: str, rows: Any, first: Any, second: Any, column: int, *_: int) -> str:
    return _quantity(title, column).unit


def _explain_difference(title: str, rows: Any, first: Any, second: Any, column: int, a: int, b: int) -> str:
    x, y = (first, second)[column][a], (first, second)[column][b]
    return f"{rows[a]}は{x}、{rows[b]}は{y}です。{max(x, y)}-{min(x, y)}={abs(x - y)}です。"


def _explain_sum(title: str, rows: Any, first: Any, second: Any, column: int, a: int, b: int) -> str:
    x, y = (first, second)[column][a], (first, second)[column][b]
    return f"{rows[a]}は{x}、{rows[b]}は{y}です。{x}+{y}={x + y}です。"


def _even_mean(draw: Draw) -> tuple[Any, ...]:
    title, rows, first, second, column = _with_column(draw)
    values = list((first, second)[column])
    while sum(values) * 10 % len(values):
        values[0] += 1
    return (title, rows, tuple(values), second, 0) if column == 0 else (title, rows, first, tuple(values), 1)


def _with_limit(draw: Draw) -> tuple[Any, ...]:
    title, rows, first, second, column = _with_column(draw)
    values = (first, second)[column]
    return title, rows, first, second, column, max(1, values[between(draw, 0, len(values) - 1)] - between(draw, 0, 3))


def _explain_count(title: str, rows: Any, first: Any, second: Any, column: int, limit: int) -> str:
    names = [name for name, value in zip(rows, (first, second)[column], strict=True) if value >= limit]
    return f"{limit}{_quantity(title, column).unit}以上なのは{'、'.join(names)}です。"


def _sales(draw: Draw) -> tuple[Any, ...]:
    subject = pick(draw, SUBJECTS[:2])
    rows = draw_rows(draw, subject, 3, 4)
    one, two = subject.quantities
    return subject.title, rows, draw_column(draw, one, len(rows)), draw_column(draw, two, len(rows))


def _show_sales(title: str, rows: Any, first: Any, second: Any) -> tuple[object, ...]:
    return grid_of(title, rows, first, second), title


def _explain_sales(title: str, rows: Any, first: Any, second: Any) -> str:
    products = [price * count for price, count in zip(first, second, strict=True)]
    lines = [f"{name}は{a}×{b}={a * b}円" for name, a, b in zip(rows, first, second, strict=True)]
    return f"{'、'.join(lines)}です。合計は{'+'.join(map(str, products))}={sum(products)}です。"


_KINDS: tuple[Kind, ...] = (
    Kind(
        name="read_cell",
        level="elementary",
        wordings=crossed(_TABLES, ("{6}の{2}は何{3}ですか。", "{6}の{2}を答えてください。")),
        draw=_with_row,
        shown=_shown,
        solve=lambda title, rows, first, second, column, row: (first, second)[column][row],
        explain=lambda title, rows, first, second, column, row: (
            f"表の「{rows[row]}」のところを見ると、{_quantity(title, column).name}は"
            f"{(first, second)[column][row]}{_quantity(title, column).unit}です。"
        ),
        unit=_unit,
        share=0.7,
    ),
    Kind(
        name="add_column",
        level="elementary",
        wordings=crossed(_TABLES, ("{2}の合計は何{3}ですか。", "{2}をすべて足すと何{3}になりますか。")),
        draw=_with_column,
        shown=_shown,
        solve=lambda title, rows, first, second, column: sum((first, second)[column]),
        explain=lambda title, rows, first, second, column: (
            f"{'+'.join(map(str, (first, second)[column]))}={sum((first, second)[column])}です。"
        ),
        unit=_unit,
    ),
    Kind(
        name="compare_rows",
        level="elementary",
        wordings=crossed(_TABLES, ("{6}と{7}の{2}の差は何{3}ですか。", "{2}は、{6}と{7}で何{3}ちがいますか。")),
        draw=_with_two_rows,
        shown=_shown,
        solve=lambda title, rows, first, second, column, a, b: abs(
            (first, second)[column][a] - (first, second)[column][b]
        ),
        explain=_explain_difference,
        unit=_unit,
    ),
    Kind(
        name="add_rows",
        level="elementary",
        wordings=crossed(
            _TABLES, ("{6}と{7}の{2}を合わせると何{3}ですか。", "{2}は、{6}と{7}の2つで合計何{3}ですか。")
        ),
        draw=_with_two_rows,
        shown=_shown,
        solve=lambda title, rows, first, second, column, a, b: (first, second)[column][a] + (first, second)[column][b],
        explain=_explain_sum,
        unit=_unit,
    ),
    Kind(
        name="largest_row",
        level="elementary",
        wordings=crossed(_TABLES, ("{2}が最も{4}のは{5}ですか。", "{2}がいちばん{4}のは{5}か答えてください。")),
        draw=_with_column,
        shown=_shown,
        solve=lambda title, rows, first, second, column: rows[
            (first, second)[column].index(max((first, second)[column]))
        ],
        explain=lambda title, rows, first, second, column: (
            f"{_quantity(title, column).name}を比べると、最大は{max((first, second)[column])}です。"
        ),
    ),
    Kind(
        name="mean_of_column",
        level="middle",
        wordings=crossed(_TABLES, ("{2}の平均は何{3}ですか。", "{2}の平均値を求めなさい。")),
        draw=_even_mean,
        shown=_shown,
        solve=lambda title, rows, first, second, column: Fraction(sum((first, second)[column]), len(rows)),
        explain=lambda title, rows, first, second, column: (
            f"合計は{'+'.join(map(str, (first, second)[column]))}={sum((first, second)[column])}です。"
            f"{len(rows)}でわると、"
            f"{sum((first, second)[column])}÷{len(rows)}="
            f"{show(Fraction(sum((first, second)[column]), len(rows)), decimals=True)}です。"
        ),
        unit=_unit,
        decimals=True,
    ),
    Kind(
        name="rank_of_column",
        level="middle",
        wordings=crossed(
            _TABLES, ("{2}が{6}番目に{4}のは{5}ですか。", "{2}を大きい順に並べたとき、{6}番目になるのは{5}ですか。")
        ),
        draw=_with_rank,
        shown=lambda *values: (*_shown(*values[:5]), values[5]),
        solve=lambda title, rows, first, second, column, rank: rows[
            (first, second)[column].index(sorted((first, second)[column], reverse=True)[rank - 1])
        ],
        explain=lambda title, rows, first, second, column, rank: (
            f"大きい順に並べると、{'、'.join(map(str, sorted((first, second)[column], reverse=True)))}です。"
            f"{rank}番目は{sorted((first, second)[column], reverse=True)[rank - 1]}です。"
        ),
    ),
    Kind(
        name="count_rows",
        level="middle",
        wordings=crossed(
            _TABLES, ("{2}が{6}{3}以上のものはいくつありますか。", "{2}が{6}{3}以上であるものの個数を求めなさい。")
        ),
        draw=_with_limit,
        shown=lambda *values: (*_shown(*values[:5]), values[5]),
        solve=lambda title, rows, first, second, column, limit: sum(
            value >= limit for value in (first, second)[column]
        ),
        explain=_explain_count,
    ),
    Kind(
        name="total_sales",
        level="middle",
        wordings=crossed(_TABLES, ("売り上げの合計は何円ですか。", "全部の売り上げを合わせるといくらになりますか。")),
        draw=_sales,
        shown=_show_sales,
        solve=lambda title, rows, first, second: sum(a * b for a, b in zip(first, second, strict=True)),
        explain=_explain_sales,
        unit="円",
    ),
)
TABLE_READING = WordProblems("table_reading", (*_KINDS, *SURVEYS))
"""Tables of shops, harvests and surveys: reading at first, then shares, then conditional chances."""
