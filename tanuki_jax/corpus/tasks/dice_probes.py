"""Questions on probability for probes alone: an event of two draws, asked for in three ways, and the meaning of 1/n.

They are the four questions of the talk of February 2025 (mathematics) with other numbers, so that a model cannot have
met them. No task family draws them, and no training problem of `dice.py` has their event or its complement.
"""

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Literal

from tanuki_jax.corpus.tasks.dice import CONDITIONS, Condition, favourable
from tanuki_jax.corpus.tasks.family import Task, stable_hash
from tanuki_jax.corpus.tasks.splits import split_of
from tanuki_jax.corpus.tasks.word_problems import WordProblem

type Number = Literal["q1", "q2", "q2a", "q2b"]
"""Question of the talk: the meaning of a probability; the probability of an event; the same by listing all pairs; the
same by the complement."""

SIGNS = ("1", "2", "3", "4", "5")
"""Signs of the options of a question on the meaning."""
LISTING = "2つの数の組を(1, 1)、(1, 2)のような形で1つずつすべて書き出し、条件に合う組の数を数える方法で求めてください。"
"""Sentence that asks for a solution by listing all pairs."""
BY_COMPLEMENT = (
    "条件に合わない場合(余事象)の確率を先に求め、それを1から引く方法で求めてください。"
    "順を追って1段階ずつ書いてください。"
)
"""Sentence that asks for a solution by the complement, step by step."""

_DEVICES = (
    "1から{0}までの目がどれも同じように出る特別なさいころXと、1から{1}までの目がどれも同じように出る特別なさいころYを、"
    "1回ずつ振ります。",
    "袋Aには1から{0}までの数字を1つずつ書いた{0}枚のカードが、袋Bには1から{1}までの数字を1つずつ書いた{1}枚のカードが"
    "入っています。よく混ぜて、それぞれの袋からカードを1枚ずつ引きます。",
    "1から{0}までの数字が同じ広さで並ぶルーレットPと、1から{1}までの数字が同じ広さで並ぶルーレットQを、1回ずつ回します。",
)
_GREATEST = range(4, 9)
_USUAL_SIDES = (6, 6)
_LARGEST_EXCEPTION = Fraction(1, 6)
"""Largest probability that the event does not happen: with rare exceptions the complement is the short way."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event of two draws, each of a whole number from 1, all equally likely."""

    sides: tuple[int, int]
    """Greatest numbers of the two draws."""
    condition: Condition
    """Condition on the two numbers."""

    @property
    def every(self) -> tuple[tuple[int, int], ...]:
        """Return all pairs that can be drawn, in order."""
        return tuple(itertools.product(range(1, self.sides[0] + 1), range(1, self.sides[1] + 1)))

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Return the pairs that make the event, in order."""
        return favourable(*self.condition, self.sides)

    @property
    def chance(self) -> Fraction:
        """Return the probability of the event."""
        return Fraction(len(self.pairs), len(self.every))


@dataclass(frozen=True, slots=True)
class ChanceQuestion:
    """One of the four questions with its answer."""

    number: Number
    text: str
    event: Event | None = None
    """Event whose probability is the answer; None: the answer is an option."""
    options: tuple[str, ...] = ()
    """Texts of the options, in the order of `SIGNS`; empty: the answer is a probability."""
    right: str = ""
    """Sign of the right option; empty: the answer is a probability."""


def meaning_question(opening: str, options: tuple[str, ...], right: str) -> ChanceQuestion:
    """Return question 1.

    Args:
        opening: statement of a probability.
        options: five readings of it.
        right: sign of the right one.
    """
    lines = "\n".join(f"{sign}. {option}" for sign, option in zip(SIGNS, options, strict=True))
    asked = "このことの説明として正しいものを、次の1〜5から1つ選び、その番号を答えてください。"
    return ChanceQuestion("q1", f"{opening}{asked}\n{lines}", options=options, right=right)


def event_questions(opening: str, event: Event) -> Iterator[ChanceQuestion]:
    """Yield questions 2, 2a and 2b.

    Args:
        opening: sentence that says how the two numbers are drawn.
        event: event.
    """
    operation, relation, number = event.condition
    asked = f"{opening}出た2つの数の{operation}が{number}{relation}になる確率を求めてください。"
    yield ChanceQuestion("q2", asked, event)
    yield ChanceQuestion("q2a", asked + LISTING, event)
    yield ChanceQuestion("q2b", asked + BY_COMPLEMENT, event)


@functools.cache
def probe_events() -> tuple[Event, ...]:
    """Return the events, each with 1 to a sixth of all pairs against it, and none in two forms."""
    trained = {
        frozenset(favourable(*condition))
        for condition in CONDITIONS
        if split_of(Task("probability", 0, WordProblem("middle", "two_dice", condition), ())) == "train"
    }
    found: dict[tuple[tuple[int, int], frozenset[tuple[int, int]]], Event] = {}
    for sides in itertools.combinations_with_replacement(_GREATEST, 2):
        numbers = range(sides[0] * sides[1] + 1)
        for condition in itertools.product("和積差", ("以上", "以下"), numbers):
            event = Event(sides, condition)
            pairs = frozenset(event.pairs)
            known = sides == _USUAL_SIDES and {pairs, frozenset(event.every) - pairs} & trained
            if 0 < 1 - event.chance <= _LARGEST_EXCEPTION and not known:
                found.setdefault((sides, pairs), event)
    return tuple(found.values())


def probe_questions(seed: int) -> Iterator[tuple[str, tuple[ChanceQuestion, ...]]]:
    """Yield name and the four questions of one set after another, until all events have had their turn.

    Args:
        seed: seed of the order and of the numbers.
    """
    random = Random(stable_hash("dice_probes", seed))
    cases = [*itertools.product(probe_events(), _DEVICES)]
    random.shuffle(cases)
    for event, device in cases:
        (first, second), (operation, relation, number) = event.sides, event.condition
        name = f"{first}x{second}_{operation}{number}{relation}_{_DEVICES.index(device)}"
        yield name, (_meaning(random), *event_questions(device.format(first, second), event))


_CASES = (
    (
        "どの面も同じように出る{0}面のさいころがあり、星印は1つの面だけにかかれています。"
        "星印の面が出る確率は1/{0}です。",
        "星印の面が出る",
    ),
    (
        "{0}本のくじのうち1本だけが当たりです。引いたくじは毎回元に戻します。1回で当たる確率は1/{0}です。",
        "当たりを引く",
    ),
    (
        "{0}等分された円盤の1か所だけが赤いルーレットがあります。1回まわして赤に止まる確率は1/{0}です。",
        "赤に止まる",
    ),
)
"""Statements of a probability of 1/n, and what happens with it."""
_RIGHT = "試す回数をどんどん増やしていくと、{1}回数の全体に対する割合が1/{0}に近づいていく。"
_WRONG = (
    "{0}回試すと、{1}のは必ずちょうど1回である。",
    "{2}回続けて{1}ことがなければ、次の1回では必ず{1}。",
    "1度{1}と、それに続く{2}回では{1}ことはない。",
    "{3}回試せば、{1}のは必ずちょうど10回になる。",
    "{0}回試せば、少なくとも1回は必ず{1}。",
    "最初の{0}回のうち、{1}のは多くても1回である。",
)


def _meaning(random: Random) -> ChanceQuestion:
    statement, happens = random.choice(_CASES)
    count = random.choice((4, 5, 8, 9, 10, 12, 15, 20))
    numbers = count, happens, count - 1, 10 * count
    options = [_RIGHT, *random.sample(_WRONG, len(SIGNS) - 1)]
    random.shuffle(options)
    right = SIGNS[options.index(_RIGHT)]
    return meaning_question(statement.format(count), tuple(option.format(*numbers) for option in options), right)
