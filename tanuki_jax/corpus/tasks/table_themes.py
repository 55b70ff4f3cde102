"""Subjects of the tables of the table family."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """A quantity and the words for it."""

    name: str
    unit: str
    values: range
    more: str
    """The adjective for large values."""
    less: str
    """The adjective for small values."""
    has_sum: bool = True
    """Whether it makes sense to add its values."""


@dataclass(frozen=True, slots=True)
class Theme:
    """Names of rows and quantities of one subject. No name is part of another."""

    name: str
    heading: str
    """Heading of the column of names."""
    names: tuple[str, ...]
    columns: tuple[Column, ...]
    which: str
    """Question word for a row."""


_SURNAMES = ("佐藤", "鈴木", "高橋", "田中", "伊藤", "渡辺", "山本", "中村")

THEMES = (
    Theme(
        "shop",
        "商品",
        ("りんご", "パン", "チーズ", "トマト", "プリン", "おにぎり", "ドーナツ", "たまご"),
        (
            Column("値段", "円", range(80, 410, 10), "高い", "安い"),
            Column("在庫", "個", range(1, 60), "多い", "少ない"),
        ),
        "どれ",
    ),
    Theme(
        "test",
        "名前",
        tuple(f"{name}さん" for name in _SURNAMES),
        tuple(Column(subject, "点", range(40, 101), "高い", "低い") for subject in ("国語", "算数", "理科")),
        "誰",
    ),
    Theme(
        "weather",
        "都市",
        ("札幌", "仙台", "東京", "名古屋", "大阪", "広島", "福岡", "那覇"),
        (
            Column("気温", "度", range(1, 36), "高い", "低い", has_sum=False),
            Column("湿度", "%", range(30, 91), "高い", "低い", has_sum=False),
        ),
        "どこ",
    ),
    Theme(
        "library",
        "曜日",
        ("月曜日", "火曜日", "水曜日", "木曜日", "金曜日", "土曜日", "日曜日"),
        (
            Column("来館者", "人", range(20, 200), "多い", "少ない"),
            Column("貸出", "冊", range(10, 300), "多い", "少ない"),
        ),
        "何曜日",
    ),
    Theme(
        "games",
        "チーム",
        ("赤組", "青組", "白組", "黄組", "緑組"),
        (Column("得点", "点", range(5, 100), "高い", "低い"), Column("シュート", "本", range(3, 30), "多い", "少ない")),
        "どのチーム",
    ),
)
