"""Tables inside school problems: subjects of tables, and the ways to write a table."""

from dataclasses import dataclass
from typing import NamedTuple

from tanuki_jax.corpus.tasks.story_words import words_of
from tanuki_jax.corpus.tasks.word_problems import Draw, between, different, pick


class Quantity(NamedTuple):
    """A column of whole numbers."""

    name: str
    unit: str
    low: int
    high: int
    step: int
    more: str
    """Adjective for large values."""


class Subject(NamedTuple):
    """A table's title, its rows and two of its quantities. No name of a row is part of another."""

    title: str
    heading: str
    """Heading of the column of names."""
    rows: tuple[str, ...]
    quantities: tuple[Quantity, Quantity]
    which: str
    """Question word for a row."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table, written by a format: `grid` for Markdown, `list` for lines of facts, `csv` for values and commas."""

    heading: str
    columns: tuple[str, ...]
    """Names of the columns, without their units."""
    units: tuple[str, ...]
    rows: tuple[str, ...]
    cells: tuple[tuple[object, ...], ...]
    """Values row by row."""

    def __format__(self, layout: str) -> str:
        """Write the table in a layout."""
        match layout:
            case "grid":
                head = [
                    f"{name}（{unit}）" if unit else name for name, unit in zip(self.columns, self.units, strict=True)
                ]
                lines = [f"| {self.heading} | {' | '.join(head)} |", f"|{' --- |' * (len(head) + 1)}"]
                for name, values in zip(self.rows, self.cells, strict=True):
                    lines.append(f"| {name} | {' | '.join(map(str, values))} |")
            case "list":
                lines = []
                for name, values in zip(self.rows, self.cells, strict=True):
                    if len(values) == 1:
                        lines.append(f"・{name}: {values[0]}{self.units[0]}")
                        continue
                    parts = zip(self.columns, values, self.units, strict=True)
                    lines.append(f"・{name}: {'、'.join(f'{column}{value}{unit}' for column, value, unit in parts)}")
            case _:
                assert layout == "csv"
                head = [
                    f"{name}[{unit}]" if unit else name for name, unit in zip(self.columns, self.units, strict=True)
                ]
                lines = [",".join((self.heading, *head))]
                for name, values in zip(self.rows, self.cells, strict=True):
                    lines.append(f"{name},{','.join(map(str, values))}")
        return "\n".join(lines)


SUBJECTS = (
    Subject(
        "文房具店の品物",
        "品物",
        words_of("ノート 鉛筆 定規 はさみ のり 消しゴム ファイル 画びょう 色紙 電卓"),
        (Quantity("値段", "円", 60, 980, 10, "高い"), Quantity("売れた数", "個", 3, 60, 1, "多い")),
        "どの品物",
    ),
    Subject(
        "パン屋の商品",
        "商品",
        words_of("食パン あんパン カレーパン クロワッサン ドーナツ サンドイッチ メロンパン フランスパン"),
        (Quantity("値段", "円", 90, 690, 10, "高い"), Quantity("売れた数", "個", 5, 80, 1, "多い")),
        "どの商品",
    ),
    Subject(
        "市の図書館の利用",
        "図書館",
        words_of("中央館 東館 西館 南館 北館 駅前館 港館 山手館"),
        (Quantity("来館者", "人", 40, 600, 1, "多い"), Quantity("貸出", "冊", 30, 900, 1, "多い")),
        "どの図書館",
    ),
    Subject(
        "農園の収穫",
        "作物",
        words_of("トマト なす きゅうり かぼちゃ ピーマン とうもろこし さつまいも 大根"),
        (Quantity("収穫量", "kg", 20, 900, 1, "多い"), Quantity("畑の広さ", "a", 2, 60, 1, "広い")),
        "どの作物",
    ),
    Subject(
        "クラス対抗の大会の結果",
        "組",
        words_of("赤組 青組 白組 黄組 緑組 紫組 桃組"),
        (Quantity("得点", "点", 10, 300, 1, "高い"), Quantity("反則", "回", 1, 20, 1, "多い")),
        "どの組",
    ),
    Subject(
        "町の公園の様子",
        "公園",
        words_of("中央公園 東公園 西公園 川公園 森公園 港公園 丘公園 駅前公園"),
        (Quantity("面積", "a", 10, 400, 1, "広い"), Quantity("樹木", "本", 15, 500, 1, "多い")),
        "どの公園",
    ),
    Subject(
        "工場で1日に作った部品",
        "工場",
        words_of("朝日工場 青葉工場 緑町工場 港工場 川原工場 山手工場 平野工場"),
        (Quantity("生産数", "個", 100, 2000, 10, "多い"), Quantity("不良品", "個", 1, 40, 1, "多い")),
        "どの工場",
    ),
)
"""Subjects of tables. Tables of the first two have prices and numbers of sales."""
BY_TITLE = {subject.title: subject for subject in SUBJECTS}


def draw_rows(draw: Draw, subject: Subject, low: int, high: int) -> tuple[str, ...]:
    """Draw names of rows in any order, from `low` to `high` of them."""
    count = between(draw, low, min(high, len(subject.rows)))
    return tuple(subject.rows[position] for position in different(draw, count, 0, len(subject.rows) - 1))


def draw_column(draw: Draw, quantity: Quantity, count: int) -> tuple[int, ...]:
    """Draw different values of a quantity."""
    steps = (quantity.high - quantity.low) // quantity.step
    return tuple(quantity.low + quantity.step * step for step in different(draw, count, 0, steps))


def draw_subject(draw: Draw) -> Subject:
    """Draw the subject of a table."""
    return pick(draw, SUBJECTS)


def grid_of(title: str, rows: tuple[str, ...], first: tuple[int, ...], second: tuple[int, ...]) -> Grid:
    """Return the table of a subject with the values of its two columns."""
    subject = BY_TITLE[title]
    one, two = subject.quantities
    return Grid(
        subject.heading, (one.name, two.name), (one.unit, two.unit), rows, tuple(zip(first, second, strict=True))
    )
