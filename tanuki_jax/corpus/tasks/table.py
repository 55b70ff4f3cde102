"""Questions about a short table, written in Markdown or as a list. The answer ends with 「答えは…です。」."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from tanuki_jax.corpus.records.types import Message
from tanuki_jax.corpus.tasks.family import Family, dialogue
from tanuki_jax.corpus.tasks.responses import final_name, final_number
from tanuki_jax.corpus.tasks.table_themes import THEMES, Column

type Kind = Literal["lookup", "sum", "difference", "more", "less", "most", "least"]

_KINDS: tuple[Kind, ...] = ("lookup", "sum", "difference", "more", "less", "most", "least")
_ROWS_OF = {"lookup": 1, "difference": 2, "more": 2, "less": 2}
_INTRODUCTIONS = ("次の表を見て答えてください。", "表を読んで質問に答えてください。", "次の表があります。")
_REASONED_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class Question:
    """A table of whole numbers and a question about one of its columns."""

    theme: str
    names: tuple[str, ...]
    """Names of the rows."""
    columns: tuple[str, ...]
    cells: tuple[tuple[int, ...], ...]
    """Values row by row, all different within a column."""
    kind: Kind
    column: int
    rows: tuple[int, ...]
    """Rows of the question: one for lookup, two for difference, more and less, else all."""


class Table(Family[Question, int | str]):
    """Questions that look up, add, subtract or compare values; the answer is a number, or the name of a row."""

    name = "table"

    def draw(self, random: Random) -> Question:
        theme = random.choice(THEMES)
        names = tuple(random.sample(theme.names, random.randint(3, 4)))
        columns = random.sample(theme.columns, random.randint(1, 2))
        cells = tuple(zip(*(random.sample(column.values, len(names)) for column in columns), strict=True))
        column = random.randrange(len(columns))
        kind = random.choice([kind for kind in _KINDS if kind != "sum" or columns[column].has_sum])
        all_rows = range(len(names))
        rows = random.sample(all_rows, _ROWS_OF[kind]) if kind in _ROWS_OF else all_rows
        return Question(theme.name, names, tuple(column.name for column in columns), cells, kind, column, tuple(rows))

    def write(self, problem: Question, random: Random) -> tuple[Message, ...]:
        theme = next(theme for theme in THEMES if theme.name == problem.theme)
        columns = [column for name in problem.columns for column in theme.columns if column.name == name]
        layout = random.choice((_markdown, _markdown_with_units, _list))
        table = layout(theme.heading, columns, problem)
        column = columns[problem.column]
        answer = self.solve(problem)
        reason = _reason(problem, column, answer) if random.random() < _REASONED_SHARE else ""
        return dialogue(
            f"{random.choice(_INTRODUCTIONS)}\n{table}\n{_question(problem, column, theme.which, random)}",
            f"{reason}答えは{answer}{column.unit if isinstance(answer, int) else ''}です。",
        )

    def solve(self, problem: Question) -> int | str:
        values = {row: problem.cells[row][problem.column] for row in problem.rows}
        match problem.kind:
            case "lookup":
                (value,) = values.values()
                return value
            case "sum":
                return sum(values.values())
            case "difference":
                return max(values.values()) - min(values.values())
            case "more" | "most":
                return problem.names[max(values, key=values.__getitem__)]
            case "less" | "least":
                return problem.names[min(values, key=values.__getitem__)]

    def check(self, problem: Question, response: str) -> bool:
        answer = self.solve(problem)
        if isinstance(answer, int):
            return final_number(response) == answer
        return final_name(response, problem.names) == answer


def _markdown(heading: str, columns: Sequence[Column], problem: Question) -> str:
    rows = [[name, *map(str, cells)] for name, cells in zip(problem.names, problem.cells, strict=True)]
    return _grid([heading, *(f"{column.name}({column.unit})" for column in columns)], rows)


def _markdown_with_units(heading: str, columns: Sequence[Column], problem: Question) -> str:
    rows = [
        [name, *(f"{value}{column.unit}" for value, column in zip(cells, columns, strict=True))]
        for name, cells in zip(problem.names, problem.cells, strict=True)
    ]
    return _grid([heading, *problem.columns], rows)


def _grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *rows))


def _list(_: str, columns: Sequence[Column], problem: Question) -> str:
    lines: list[str] = []
    for name, cells in zip(problem.names, problem.cells, strict=True):
        values = [f"{column.name}は{value}{column.unit}" for value, column in zip(cells, columns, strict=True)]
        lines.append(f"・{name}：{'、'.join(values)}")
    return "\n".join(lines)


def _question(problem: Question, column: Column, which: str, random: Random) -> str:
    name, unit = column.name, column.unit
    rows = [problem.names[row] for row in problem.rows]
    match problem.kind:
        case "lookup":
            return random.choice((f"{rows[0]}の{name}は何{unit}ですか。", f"{rows[0]}の{name}を教えてください。"))
        case "sum":
            return random.choice((f"{name}の合計は何{unit}ですか。", f"{name}をすべて足すと何{unit}になりますか。"))
        case "difference":
            pair = "と".join(rows)
            return random.choice((f"{pair}の{name}の差は何{unit}ですか。", f"{name}は{pair}で何{unit}違いますか。"))
        case "more" | "less":
            adjective = column.more if problem.kind == "more" else column.less
            return f"{'と'.join(rows)}では、どちらの{name}が{adjective}ですか。"
        case "most" | "least":
            superlative = random.choice(("一番", "もっとも")) + (column.more if problem.kind == "most" else column.less)
            return f"{name}が{superlative}のは{which}ですか。"


def _reason(problem: Question, column: Column, answer: int | str) -> str:
    """Write the reason for the answer: a sentence, or the part of one that precedes the answer."""
    values = [problem.cells[row][problem.column] for row in problem.rows]
    match problem.kind:
        case "lookup":
            return f"{problem.names[problem.rows[0]]}の{column.name}は{answer}{column.unit}です。"
        case "sum":
            return f"{'+'.join(map(str, values))}={answer}なので、"
        case "difference":
            return f"{max(values)}-{min(values)}={answer}なので、"
        case "more" | "less":
            facts = [
                f"{problem.names[row]}は{value}{column.unit}" for row, value in zip(problem.rows, values, strict=True)
            ]
            return f"{'、'.join(facts)}なので、"
        case "most" | "least":
            adjective, value = (column.more, max(values)) if problem.kind == "most" else (column.less, min(values))
            return f"一番{adjective}のは{value}{column.unit}なので、"
