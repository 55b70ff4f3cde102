"""Requests that leave one choice of form open, such as the sign of a bullet list or the end of a sentence.

Conversations have either form with equal probability; in pairs one of them is preferred.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from tanuki_jax.corpus.records.types import Message
from tanuki_jax.corpus.tasks.contents import Content, Kind, draw_contents, stated_in_order
from tanuki_jax.corpus.tasks.family import Family, Formatted, Pair, Paired, dialogue
from tanuki_jax.corpus.tasks.layouts import Layout, full_width

_COUNTS: Mapping[Kind, range] = {"list": range(2, 4), "numbers": range(2, 4), "record": range(2, 3)}
_REQUESTS = (
    "にしてください。",
    "にしてもらえますか。",
    "でお願いします。",
    "で書いてください。",
    "にして。",
    "でお願い。",
    "で書いて。",
)


@dataclass(frozen=True, slots=True)
class Choice:
    """Two layouts whose texts are equally long, and requests that fit both."""

    kind: Kind
    """Kind of contents that they suit."""
    preferred: Layout
    """The layout of chosen answers."""
    other: Layout
    wordings: tuple[str, ...]


CHOICES: Mapping[str, Choice] = {
    "bullet": Choice("list", Layout("・{item}"), Layout("*{item}"), ("好きな記号の箇条書き", "記号つきの一覧")),
    "number": Choice(
        "list", Layout("{number}. {item}"), Layout("{number}) {item}"), ("番号つきの一覧", "番号の箇条書き")
    ),
    "end": Choice(
        "list", Layout("{item}", "、", after="です。"), Layout("{item}", "、", after="だよ。"), ("短い文", "一つの文")
    ),
    "stop": Choice(
        "list",
        Layout("{item}", "、", after="。"),
        Layout("{item}", "、", after="!"),
        ("終わりに記号のある一行", "記号で終わる一行"),
    ),
    "heading": Choice(
        "list",
        Layout("{item}", before="答え:\n"),
        Layout("{item}", before="結果:\n"),
        ("最初に見出しのある一覧", "見出しつきの一覧"),
    ),
    "bracket": Choice(
        "list", Layout("「{item}」", ""), Layout("【{item}】", ""), ("好きなかっこつき", "かっこつきの一行")
    ),
    "separator": Choice(
        "list", Layout("{item}", "、"), Layout("{item}", "/"), ("好きな区切りの一行", "区切りつきの一行")
    ),
    "label": Choice(
        "record", Layout("{label}: {item}"), Layout("{label}= {item}"), ("項目名つきの一覧", "項目ごとの行")
    ),
    "digits": Choice(
        "numbers",
        Layout("{item}", "、", digits="half-width"),
        Layout("{item}", "、", digits="full-width"),
        ("数字だけの一行", "好きな幅の数字"),
    ),
}


@dataclass(frozen=True, slots=True)
class Request:
    """Items and the open choice."""

    choice: str
    contents: tuple[Content, ...]


class Style(Family[Request, tuple[str, str]], Formatted[Request], Paired[Request]):
    """Nine choices between two forms. The answer is both texts, the preferred one first; the checkers accept either."""

    name = "style"

    def draw(self, random: Random) -> Request:
        name = random.choice(tuple(CHOICES))
        kind = CHOICES[name].kind
        return Request(name, draw_contents(kind, _COUNTS[kind], random))

    def write(self, problem: Request, random: Random) -> tuple[Message, ...]:
        request = random.choice(CHOICES[problem.choice].wordings) + random.choice(_REQUESTS)
        return dialogue(_question(problem, request, random), random.choice(self.solve(problem)))

    def solve(self, problem: Request) -> tuple[str, str]:
        choice = CHOICES[problem.choice]
        return choice.preferred.write(problem.contents), choice.other.write(problem.contents)

    def check(self, problem: Request, response: str) -> bool:
        return response in self.solve(problem)

    def check_format(self, problem: Request, response: str) -> bool:
        choice = CHOICES[problem.choice]
        return any(layout.matches(problem.contents, response) for layout in (choice.preferred, choice.other))

    def check_items(self, problem: Request, response: str) -> bool:
        return stated_in_order(problem.contents, response)

    def pair(self, problem: Request, random: Random) -> Pair:
        """Return a pair of kind "rule": the chosen answer has the preferred form, the rejected one the other."""
        preferred, other = self.solve(problem)
        return Pair(preferred, other, "rule")


def _question(problem: Request, request: str, random: Random) -> str:
    if CHOICES[problem.choice].kind == "record":
        return f"{'、'.join(f'{label}は{item}' for label, item in problem.contents)}。これを{request}"
    items = "と".join(item for _, item in problem.contents)
    if problem.choice == "digits" and random.random() < 0.5:
        items = full_width(items)
    return random.choice((f"{items}を{request}", f"次の{problem.contents[0].label}を{request}\n{items}"))
