"""Readers of questions about tables."""

import re
from fractions import Fraction

from tests.corpus.tasks.school.reading import Answer, reads

type Rows = dict[str, dict[str, Fraction]]


def table_of(lines: list[str]) -> Rows:
    """Read the lines of a table in any layout: row -> column -> value."""
    rows = [line for line in lines if line.startswith("・")]
    if rows:
        return {name: _facts(facts) for name, facts in (line[1:].split(": ") for line in rows)}
    grid = [re.findall(r"[^|]+", line.replace(" ", "")) for line in lines if line.startswith("|")]
    if grid:
        assert set("".join(grid.pop(1))) == {"-"}
    else:
        grid = [line.split(",") for line in lines if "," in line]
    header = [re.sub(r"（.*）|\[.*\]", "", cell) for cell in grid[0]]
    return {row[0]: dict(zip(header[1:], map(Fraction, row[1:]), strict=True)) for row in grid[1:]}


def _facts(text: str) -> dict[str, Fraction]:
    facts = {}
    for fact in text.split("、"):
        match = re.fullmatch(r"(\D*)(\d+(?:\.\d+)?)(\D*)", fact)
        assert match, fact
        facts[match[1]] = Fraction(match[2])
    return facts


@reads(r"\n(?:\||・|[^\n]+,[^\n]+\n)")
def about_a_table(_: re.Match[str], text: str) -> Answer | None:
    *lines, question = text.split("\n")
    rows = table_of(lines)
    if "「" in question:
        return about_a_survey(rows, question)
    if "増加率" in question or "何%増えた" in question:
        first, last = sorted(re.findall(r"\d{4}年", question))
        before, after = (sum(rows[year].values(), Fraction(0)) for year in (first, last))
        return (after - before) / before
    if "売り上げ" in question:
        return Fraction(sum(row["値段"] * row["売れた数"] for row in rows.values()))
    if re.search("得点の平均値|1人あたりの得点", question) and all(name.endswith("点") for name in rows):
        counts = {int(name[:-1]): sum(row.values(), Fraction(0)) for name, row in rows.items()}
        return sum((points * count for points, count in counts.items()), Fraction(0)) / sum(counts.values())
    if question.startswith("Xの"):
        assert sum((sum(row.values(), Fraction(0)) for row in rows.values()), Fraction(0)) == 1
        return sum((int(name[2:]) * sum(row.values(), Fraction(0)) for name, row in rows.items()), Fraction(0))
    return about_a_column(rows, question)


def about_a_column(rows: Rows, question: str) -> Answer | None:
    (column,) = {column for row in rows.values() for column in row if column in question}
    values = {name: row[column] for name, row in rows.items()}
    named = [name for name in rows if name in question]
    descending = sorted(values, key=lambda name: values[name], reverse=True)
    if rank := re.search(r"(\d+)番目", question):
        return descending[int(rank[1]) - 1]
    if limit := re.search(r"(\d+)[^\d以]*以上", question):
        return Fraction(sum(value >= int(limit[1]) for value in values.values()))
    if re.search("最も|いちばん", question):
        return descending[0]
    if len(named) == 2:
        first, second = (values[name] for name in named)
        return abs(first - second) if re.search("差は|ちがいますか", question) else first + second
    if len(named) == 1:
        return values[named[0]]
    every = sum(values.values(), Fraction(0))
    return every / len(values) if "平均" in question else every


def about_a_survey(rows: Rows, question: str) -> Answer | None:
    words = re.findall("「(.+?)」", question)
    if "%" in question or "百分率" in question:
        counts = {name: sum(row.values(), Fraction(0)) for name, row in rows.items()}
        return counts[words[0]] / sum(counts.values(), Fraction(0))
    (group,) = (word for word in words if word in rows)
    (reply,) = (word for word in words if word not in rows)
    both = rows[group][reply]
    if "全員の中から" in question or "全体から" in question:
        return both / sum((sum(row.values(), Fraction(0)) for row in rows.values()), Fraction(0))
    condition = re.search("「([^」]*)」(?:の中から1人|であるとき|と答えた人から1人)", question)
    assert condition
    if condition[1] == group:
        return both / sum(rows[group].values(), Fraction(0))
    return both / sum((row[reply] for row in rows.values()), Fraction(0))
