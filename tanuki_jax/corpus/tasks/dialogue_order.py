"""Ordering in a café: items are added, changed and cancelled; the last reply repeats the order."""

import re
from dataclasses import dataclass
from random import Random

from tanuki_jax.corpus.records.types import Message
from tanuki_jax.corpus.tasks.family import Rules, dialogue
from tanuki_jax.corpus.tasks.responses import plain

MENU = ("コーヒー", "紅茶", "ケーキ", "サンドイッチ", "トースト", "サラダ", "スープ", "プリン", "カレー", "パスタ")

_COUNTED = re.compile(rf"({'|'.join(MENU)})(?:を|は|が|:)?\s*(\d+)")
_FIRST = ("{0}お願いします。", "{0}ください。", "注文をお願いします。{0}ください。", "すみません、{0}お願いします。")
_FIRST_REPLIES = ("{0}ですね。", "はい、{0}ですね。", "かしこまりました。{0}ですね。")
_ADD = ("{item}を{count}つ追加してください。", "あと、{item}を{count}つお願いします。", "{item}も{count}つください。")
_CHANGE = ("{item}を{count}つに変更してください。", "やっぱり{item}は{count}つにしてください。")
_CANCEL = ("{item}をキャンセルしてください。", "やっぱり{item}はやめます。")
_MORE = ("ほかにご注文はありますか。", "ほかに何かご注文はございますか。", "以上でよろしいですか。")
_LAST = ("以上です。", "これで全部です。", "以上です。注文を確認してください。")
_LAST_REPLIES = (
    "ご注文は、{0}ですね。",
    "確認します。ご注文は{0}です。",
    "かしこまりました。{0}でお間違いないですか。",
)


@dataclass(frozen=True, slots=True)
class Order:
    """The requests of a guest."""

    turns: tuple[tuple[tuple[str, int], ...], ...]
    """Turn by turn, items with their new counts; 0 cancels an item."""


class OrderRules(Rules[Order, dict[str, int]]):
    """Rules whose answer is the final count of each ordered item."""

    def draw(self, random: Random) -> Order:
        items = random.sample(MENU, 4)
        counts = {item: random.randint(1, 5) for item in items[: random.randint(1, 2)]}
        turns = [tuple(counts.items())]
        for new in items[2 : 2 + random.randint(0, 2)]:
            item, count = _request(counts, new, random)
            counts[item] = count
            turns.append(((item, count),))
        return Order(tuple(turns))

    def write(self, problem: Order, random: Random) -> tuple[Message, ...]:
        first, *later = problem.turns
        ordered = set(dict(first))
        contents = [
            random.choice(_FIRST).format("と".join(f"{item}を{count}つ" for item, count in first)),
            random.choice(_FIRST_REPLIES).format(_listed(dict(first))) + random.choice(_MORE),
        ]
        for ((item, count),) in later:
            request, reply = _exchange(item, count, item in ordered, random)
            contents += [request, reply + random.choice(_MORE)]
            ordered.add(item)
        return dialogue(
            *contents, random.choice(_LAST), random.choice(_LAST_REPLIES).format(_listed(self.solve(problem)))
        )

    def solve(self, problem: Order) -> dict[str, int]:
        counts: dict[str, int] = {}
        for turn in problem.turns:
            counts.update(turn)
        return {item: count for item, count in counts.items() if count}

    def check(self, problem: Order, response: str) -> bool:
        stated = {(item, int(count)) for item, count in _COUNTED.findall(plain(response))}
        return stated == set(self.solve(problem).items())


def _request(counts: dict[str, int], new: str, random: Random) -> tuple[str, int]:
    """Draw a request: a new item, another count of an ordered item, or its cancellation if another item remains."""
    ordered = [item for item, count in counts.items() if count]
    kind = random.choice(("add", "change", "cancel") if len(ordered) > 1 else ("add", "change"))
    if kind == "add":
        return new, random.randint(1, 5)
    item = random.choice(ordered)
    if kind == "cancel":
        return item, 0
    return item, random.choice([count for count in range(1, 6) if count != counts[item]])


def _exchange(item: str, count: int, ordered: bool, random: Random) -> tuple[str, str]:
    if count == 0:
        return random.choice(_CANCEL).format(item=item), f"{item}を取り消しました。"
    if ordered:
        return random.choice(_CHANGE).format(item=item, count=count), f"{item}を{count}つに変更しました。"
    return random.choice(_ADD).format(item=item, count=count), f"{item}を{count}つ追加しました。"


def _listed(counts: dict[str, int]) -> str:
    return "、".join(f"{item}{count}つ" for item, count in counts.items())
