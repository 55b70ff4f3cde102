"""Commands to answer with a Markdown table of given columns."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Self

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.limits import PositiveInt
from tanuki_jax.corpus.synthesis.checkers.checker import WORDINGS_DRAWN, Checker
from tanuki_jax.corpus.synthesis.recipe import Language

_COLUMNS: Mapping[Language, tuple[str, ...]] = {
    "ja": ("名前", "特徴", "例", "長所", "短所", "用途", "理由", "時期", "場所", "費用"),
    "en": ("Name", "Feature", "Example", "Advantage", "Drawback", "Use", "Reason", "Period", "Place", "Cost"),
}
_RULE = re.compile(r":?-{3,}:?")
_CELL_BORDER = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, kw_only=True)
class MarkdownTable(Checker):
    """A Markdown table with the given columns in their order, rows without empty cells, and nothing else."""

    columns: tuple[str, ...]
    """Names of the columns."""
    rows: PositiveInt
    """Number of rows below the header."""

    WORDINGS: ClassVar[Mapping[Language, tuple[str, ...]]] = {
        "ja": (
            "列が{columns}のMarkdownの表だけで答えてください。見出しの下は{rows}行にしてください。",
            "{columns}の順に列を並べた、データ{rows}行のMarkdownの表にしてください。表の前後に文章は書かないでください。",
        ),
        "en": (
            "Answer with nothing but a Markdown table that has the columns {columns} and {rows} rows below the header.",
            "Give a Markdown table. Its columns are {columns}, in this order; below the header it has exactly {rows} "
            "rows. Write no other text.",
        ),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.columns) < 2 or any("|" in name or not name.strip() for name in self.columns):
            raise InputError(f"columns are {self.columns}, and must be two or more names without |")

    @classmethod
    def draw(cls, random: Random, language: Language) -> Self:
        columns = tuple(random.sample(_COLUMNS[language], random.randint(2, 4)))
        return cls(columns=columns, rows=random.randint(2, 5), wording=random.randrange(WORDINGS_DRAWN))

    def values(self, language: Language) -> Mapping[str, object]:
        quoted = [f"「{name}」" if language == "ja" else f'"{name}"' for name in self.columns]
        return {"columns": ("" if language == "ja" else ", ").join(quoted), "rows": self.rows}

    def holds(self, answer: str) -> bool:
        table = [_cells(line) for line in answer.split("\n")]
        header, rule, rows = table[0], table[1] if len(table) > 1 else [], table[2:]
        return (
            header == list(self.columns)
            and len(rule) == len(self.columns)
            and all(map(_RULE.fullmatch, rule))
            and len(rows) == self.rows
            and all(len(row) == len(self.columns) and all(row) for row in rows)
        )


def _cells(line: str) -> list[str]:
    """Return the cells of a line that begins and ends with |; none: it is no row."""
    bare = line.strip()
    if len(bare) < 2 or not bare.startswith("|") or not bare.endswith("|"):
        return []
    return [cell.strip() for cell in _CELL_BORDER.split(bare[1:-1])]
