"""Items for instructions: short lists of one label's nouns, numbers, and records with one item of several labels."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Literal, NamedTuple

from tanuki_jax.corpus.tasks.responses import plain

type Kind = Literal["list", "numbers", "record"]

NOUNS: Mapping[str, tuple[str, ...]] = {
    "品物": ("りんご", "チーズ", "トマト", "プリン", "たまご"),
    "注文": ("ケーキ", "サラダ", "スープ", "カレー", "パスタ"),
    "名前": ("佐藤さん", "鈴木さん", "高橋さん", "田中さん", "伊藤さん", "渡辺さん", "山本さん", "中村さん"),
    "町": ("札幌", "仙台", "東京", "大阪", "広島", "福岡", "那覇"),
    "曜日": ("月曜日", "火曜日", "水曜日", "木曜日", "金曜日", "土曜日", "日曜日"),
    "予定": ("会議", "面談", "練習", "散歩", "発表"),
    "組": ("赤組", "青組", "白組", "黄組", "緑組"),
}
"""Label -> items of equal length, so that one can replace another; at least five, of which a list has at most four."""

NUMBERS = "数"
"""Label of whole numbers of two digits."""


class Content(NamedTuple):
    """An item and its label."""

    label: str
    item: str


def draw_contents(kind: Kind, counts: range, random: Random) -> tuple[Content, ...]:
    """Draw different contents, as many as one of `counts`: all of one label, or in a record each of another label."""
    count = random.choice(counts)
    match kind:
        case "list":
            label = random.choice(tuple(NOUNS))
            return tuple(Content(label, item) for item in random.sample(NOUNS[label], count))
        case "numbers":
            return tuple(Content(NUMBERS, str(number)) for number in random.sample(range(10, 100), count))
        case "record":
            return tuple(Content(label, random.choice(NOUNS[label])) for label in random.sample(tuple(NOUNS), count))


def stated_in_order(contents: Sequence[Content], response: str) -> bool:
    """Whether a response states the items of all contents in their order, among other text and in digits of any
    width."""
    text, start = plain(response), 0
    for _, item in contents:
        start = text.find(item, start)
        if start < 0:
            return False
        start += len(item)
    return True


def with_one_replaced(contents: tuple[Content, ...], random: Random) -> tuple[Content, ...]:
    """Return the contents with one item replaced by another of its label and length that is not among them."""
    position = random.randrange(len(contents))
    label, _ = contents[position]
    pool = [str(number) for number in range(10, 100)] if label == NUMBERS else NOUNS[label]
    other = random.choice([item for item in pool if Content(label, item) not in contents])
    return *contents[:position], Content(label, other), *contents[position + 1 :]
