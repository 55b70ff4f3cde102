import re
import unicodedata
from collections.abc import Iterator

from tanuki_jax.corpus.tasks.family import Task
from tanuki_jax.corpus.tasks.table import Question, Table
from tanuki_jax.corpus.tasks.table_themes import THEMES

FAMILY = Table()

type Values = dict[str, dict[str, int]]


def tasks(count: int = 2000) -> Iterator[Task[Question]]:
    return (FAMILY.generate(key) for key in range(count))


def number(cell: str) -> int:
    (digits,) = re.findall(r"\d+", cell)
    return int(digits)


def parsed(lines: list[str]) -> Values:
    """Read the text of a table: row -> column -> value."""
    if lines[0].startswith("・"):
        rows = (line.removeprefix("・").split("：") for line in lines)
        return {
            name: {(pair := cell.split("は"))[0]: number(pair[1]) for cell in cells.split("、")} for name, cells in rows
        }
    header, rule, *body = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    assert set(rule) == {"---"}
    columns = [re.sub(r"\(.*\)", "", cell) for cell in header[1:]]
    return {name: dict(zip(columns, map(number, cells), strict=True)) for name, *cells in body}


def answered(values: Values, question: str) -> int | str:
    """Return the answer, found by reading the question's words."""
    (column,) = {column for row in values.values() for column in row if column in question}
    rows = [name for name in values if name in question]
    cells = {name: values[name][column] for name in rows or values}
    if "合計" in question or "すべて足す" in question:
        return sum(cells.values())
    if "差は" in question or "違いますか" in question:
        first, second = cells.values()
        return abs(first - second)
    if "どちら" in question or "一番" in question or "もっとも" in question:
        ascending = sorted(cells, key=lambda name: cells[name])
        return ascending[-1] if re.search("高い|多い", question) else ascending[0]
    (value,) = cells.values()
    return value


def test_the_solver_agrees_with_a_reader_of_the_text() -> None:
    for task in tasks():
        _, *table, question = task.messages[0].content.split("\n")
        assert answered(parsed(table), question) == FAMILY.solve(task.problem), task.messages[0].content


def test_every_question_and_theme_occurs() -> None:
    assert {task.problem.theme for task in tasks()} == {theme.name for theme in THEMES}
    assert {task.problem.kind for task in tasks()} == {"lookup", "sum", "difference", "more", "less", "most", "least"}
    assert {task.messages[0].content.split("\n")[1][0] for task in tasks()} == {"|", "・"}


def test_an_answer_has_the_taught_form_and_other_answers_are_rejected() -> None:
    for task in tasks():
        before, _, after = task.messages[-1].content.rpartition("答えは")
        assert after.endswith("です。")
        answer = FAMILY.solve(task.problem)
        if isinstance(answer, int):
            wrong = [after.replace(str(answer), str(other)) for other in (answer + 1, answer - 1, answer * 10, -answer)]
        else:
            wrong = [after.replace(answer, name) for name in task.problem.names if name != answer]
        for end in wrong:
            assert end != after
            assert not FAMILY.check(task.problem, f"{before}答えは{end}")


def test_no_name_is_part_of_another_name_or_column() -> None:
    for theme in THEMES:
        assert all(unicodedata.normalize("NFKC", name) == name for name in theme.names)
        assert not [(name, other) for name in theme.names for other in theme.names if name != other and name in other]
        assert not [
            (name, column)
            for name in theme.names
            for column in theme.columns
            if name in column.name or column.name in name
        ]
