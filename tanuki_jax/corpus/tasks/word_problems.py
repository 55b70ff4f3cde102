"""Families of school problems: kinds of problems at three levels, each kind in several wordings with slots."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from string import Formatter
from typing import Any, Literal, NamedTuple

from tanuki_jax.corpus.records.types import Message
from tanuki_jax.corpus.tasks.answer_values import Value, show, states
from tanuki_jax.corpus.tasks.family import Family, Task, stable_hash
from tanuki_jax.corpus.tasks.story_words import THINGS, WORDS

type Level = Literal["elementary", "middle", "high"]
type Draw = Callable[[], float]
"""Source of random numbers from 0 to below 1."""

LEVELS: tuple[Level, ...] = ("elementary", "middle", "high")
_CONCLUSIONS: dict[Level, tuple[str, ...]] = {
    "elementary": ("", "だから、", "したがって、", "よって、"),
    "middle": ("", "よって、", "したがって、", "以上より、"),
    "high": ("", "よって、", "ゆえに、", "以上より、"),
}
PERCENT = "%"
"""Unit of answers that are fractions, and are written as percentages."""
_SHARE_UNIT = 12
"""Entries of a wording of share 1 in the list from which wordings are drawn."""


@dataclass(frozen=True, slots=True)
class WordProblem:
    """A problem without its wording: the values that decide its answer."""

    level: Level
    kind: str
    values: tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Problems that one method solves."""

    name: str
    level: Level
    wordings: Sequence[str]
    """Questions. `{0}`, `{1}`, ... are the values as `shown` writes them, and `{name}` is a word of `WORDS`."""
    draw: Callable[[Draw], tuple[Any, ...]]
    """Function that draws the values: numbers, strings, or tuples of them."""
    solve: Callable[..., Value]
    """Function that computes the answer from the values."""
    explain: Callable[..., str]
    """Function that writes the working: the sentences before the one that states the answer. `{k}` is the counter."""
    shown: Callable[..., Sequence[object]] | None = None
    """Function that writes the values for the wordings; None: as they are."""
    unit: str | Callable[..., str] = ""
    """Unit after the answer, or the function that finds it from the values; `{k}` is the counter of the item."""
    decimals: bool = False
    """Whether the answer is written as a decimal instead of a fraction."""
    choices: tuple[str, ...] = ()
    """Words of which the answer is one; empty: the answer is no choice."""
    share: float = 1
    """Weight of each of its wordings among those of the family and level; about 1/12 at least."""


class Wording(NamedTuple):
    """A question with the words that it needs."""

    kind: Kind
    text: str
    words: tuple[tuple[str, Sequence[str], int], ...]
    """Slots of words: name, words and their number."""
    item: Sequence[tuple[str, str]]
    """Things with their counters; empty: the wording has none."""
    skeleton: str
    """Id, which depends on the family, the kind and the text alone."""


class WordProblems(Family[WordProblem, Value]):
    """Problems of several kinds and levels, whose answer ends with 「答えは…です。」 after the working."""

    def __init__(self, name: str, kinds: Iterable[Kind]) -> None:
        """Expand the kinds into the list of wordings.

        Args:
            name: name of the family.
            kinds: kinds of problems of all levels. Two may have one name at one level if they solve one problem, which
                is then on one side of the split in the wordings of both.
        """
        self.name = name
        kinds = tuple(kinds)
        self._kinds = {(kind.level, kind.name): kind for kind in reversed(kinds)}
        self.wordings = {
            level: [_wording(name, kind, text) for kind in kinds if kind.level == level for text in kind.wordings]
            for level in LEVELS
        }
        """Level -> its wordings, all different."""
        self._drawn = {
            level: [wording for wording in wordings for _ in range(round(_SHARE_UNIT * wording.kind.share))]
            for level, wordings in self.wordings.items()
        }

    def draw(self, random: Random) -> WordProblem:
        level = LEVELS[int(random.random() * 3)]
        drawn = self._drawn[level]
        kind = drawn[int(random.random() * len(drawn))].kind
        return WordProblem(level, kind.name, kind.draw(random.random))

    def write(self, problem: WordProblem, random: Random) -> tuple[Message, ...]:
        kind = self._kinds[problem.level, problem.kind]
        fitting = [wording for wording in self.wordings[problem.level] if wording.kind is kind]
        return self._written(fitting[int(random.random() * len(fitting))], problem, random.random)

    def generate(self, key: int) -> Task[WordProblem]:
        # As `draw` and `write`, but a wording is drawn once, with its kind.
        draw = Random(stable_hash(self.name, key)).random
        level = LEVELS[int(draw() * 3)]
        drawn = self._drawn[level]
        wording = drawn[int(draw() * len(drawn))]
        problem = WordProblem(level, wording.kind.name, wording.kind.draw(draw))
        return Task(self.name, key, problem, self._written(wording, problem, draw), level, wording.skeleton)

    def level_of(self, key: int) -> Level:
        """Return the level of a key's task, which is much faster than to generate it."""
        return LEVELS[int(Random(stable_hash(self.name, key)).random() * 3)]

    def solve(self, problem: WordProblem) -> Value:
        return self._kinds[problem.level, problem.kind].solve(*problem.values)

    def check(self, problem: WordProblem, response: str) -> bool:
        kind = self._kinds[problem.level, problem.kind]
        answer = kind.solve(*problem.values)
        if kind.unit == PERCENT and isinstance(answer, Fraction) and states(response, answer * 100):
            return True
        return states(response, answer, kind.choices)

    def _written(self, wording: Wording, problem: WordProblem, draw: Draw) -> tuple[Message, ...]:
        kind, values = wording.kind, problem.values
        words = {slot: pool[int(draw() * size)] for slot, pool, size in wording.words}
        counter = ""
        if wording.item:
            words["item"], counter = wording.item[int(draw() * len(wording.item))]
            words["k"] = counter
        shown = values if kind.shown is None else kind.shown(*values)
        conclusions = _CONCLUSIONS[problem.level]
        value = kind.solve(*values)
        if kind.unit == PERCENT and isinstance(value, Fraction):
            value *= 100
        answer = show(value, decimals=kind.decimals)
        if isinstance(value, str) and not kind.choices and not value.isdigit():
            answer = f"「{value.replace('、', '」「')}」"
        unit = kind.unit if isinstance(kind.unit, str) else kind.unit(*values)
        end = f"{conclusions[int(draw() * len(conclusions))]}答えは{answer}{unit}です。"
        working = kind.explain(*values) + end
        question = wording.text.format(*shown, **words)
        return Message("user", question), Message("assistant", working.replace("{k}", counter))


def crossed(*parts: Sequence[str]) -> tuple[str, ...]:
    """Return every text that consists of one sentence of each part, in their order."""
    return tuple(map("".join, itertools.product(*parts)))


def between(draw: Draw, low: int, high: int) -> int:
    """Draw a whole number from `low` to `high`, both included."""
    return low + int(draw() * (high - low + 1))


def pick[T](draw: Draw, choices: Sequence[T]) -> T:
    """Draw one of the choices."""
    return choices[int(draw() * len(choices))]


def different(draw: Draw, count: int, low: int, high: int) -> list[int]:
    """Draw different whole numbers from `low` to `high`, both included."""
    numbers: list[int] = []
    while len(numbers) < count:
        number = low + int(draw() * (high - low + 1))
        if number not in numbers:
            numbers.append(number)
    return numbers


def _wording(family: str, kind: Kind, text: str) -> Wording:
    slots = {slot: None for _, slot, _, _ in Formatter().parse(text) if slot and not slot.isdigit()}
    words = tuple((slot, WORDS[slot], len(WORDS[slot])) for slot in slots if slot not in ("item", "k"))
    items = THINGS if "item" in slots else ()
    skeleton = f"{family}/{kind.level}/{kind.name}/{stable_hash(family, kind.level, kind.name, text):016x}"
    return Wording(kind, text, words, items, skeleton)
