"""Plain sums and word problems of one or two steps over whole numbers. The answer ends with 「答えは42です。」."""

from dataclasses import dataclass
from random import Random
from typing import Literal

from tanuki_jax.corpus.records.types import Message
from tanuki_jax.corpus.tasks.arithmetic_stories import ITEMS, NAMES, STORIES
from tanuki_jax.corpus.tasks.family import Family, dialogue
from tanuki_jax.corpus.tasks.responses import final_number

type Operation = Literal["+", "-", "×", "÷"]

_PATTERNS = tuple(STORIES)
_PLAIN_SHARE = 0.35
_SUMS = (
    "{0}を計算してください。",
    "{0}はいくつですか。",
    "次の計算をしてください。{0}",
    "{0}の答えを教えてください。",
    "{0} = ?",
)
_ANSWERS = ("{0}です。答えは{1}です。", "式は{0}です。答えは{1}です。", "{0}なので、答えは{1}です。", "答えは{1}です。")
_SPACINGS = (" {0} ", "{0}")


@dataclass(frozen=True, slots=True)
class Calculation:
    """A number and the operations applied to it in turn."""

    start: int
    steps: tuple[tuple[Operation, int], ...]


class Arithmetic(Family[Calculation, int]):
    """Addition, subtraction, multiplication and division without remainder; every intermediate result is above zero."""

    name = "arithmetic"

    def draw(self, random: Random) -> Calculation:
        return _calculation(random.choice(_PATTERNS), random)

    def write(self, problem: Calculation, random: Random) -> tuple[Message, ...]:
        question = _sum(problem, random) if random.random() < _PLAIN_SHARE else _story(problem, random)
        return dialogue(question, random.choice(_ANSWERS).format(_working(problem), self.solve(problem)))

    def solve(self, problem: Calculation) -> int:
        result = problem.start
        for step in problem.steps:
            result = _apply(result, step)
        return result

    def check(self, problem: Calculation, response: str) -> bool:
        return final_number(response) == self.solve(problem)


def _apply(value: int, step: tuple[Operation, int]) -> int:
    match step:
        case ("+", number):
            return value + number
        case ("-", number):
            return value - number
        case ("×", number):
            return value * number
        case ("÷", number):
            assert value % number == 0
            return value // number


def _calculation(pattern: tuple[Operation, ...], random: Random) -> Calculation:
    if pattern[-1] == "÷":
        return _division(pattern[:-1], random)
    value = start = random.randint(2, 20) if pattern[0] == "×" else random.randint(10, 99)
    steps: list[tuple[Operation, int]] = []
    for remaining, operation in zip(range(len(pattern), 0, -1), pattern, strict=True):
        largest = {"+": 99, "-": value - remaining, "×": 12}[operation]  # leaves at least 1 for each later subtraction
        step = operation, random.randint(2 if largest > 2 else 1, largest)
        value = _apply(value, step)
        steps.append(step)
    return Calculation(start, tuple(steps))


def _division(before: tuple[Operation, ...], random: Random) -> Calculation:
    """Draw a calculation that ends in a division without remainder, after at most one addition or subtraction."""
    divisor = random.randint(2, 9)
    dividend = divisor * random.randint(2, 12)
    if not before:
        return Calculation(dividend, (("÷", divisor),))
    if before == ("+",):
        number = random.randint(1, dividend - 1)
        return Calculation(dividend - number, (("+", number), ("÷", divisor)))
    assert before == ("-",)
    number = random.randint(1, 40)
    return Calculation(dividend + number, (("-", number), ("÷", divisor)))


def _sum(problem: Calculation, random: Random) -> str:
    spacing = random.choice(_SPACINGS)
    text = str(problem.start)
    for number, (operation, operand) in enumerate(problem.steps):
        if number and operation == "÷":
            text = f"({text})"
        text += spacing.format(operation) + str(operand)
    return random.choice(_SUMS).format(text)


def _story(problem: Calculation, random: Random) -> str:
    story = random.choice(STORIES[tuple(operation for operation, _ in problem.steps)])
    name, other = random.sample(NAMES, 2)
    item, counter = random.choice(ITEMS)
    numbers = dict(zip("abc", (problem.start, *(number for _, number in problem.steps)), strict=False))
    return story.format(name=name, other=other, item=item, k=counter, **numbers)


def _working(problem: Calculation) -> str:
    lines: list[str] = []
    value = problem.start
    for step in problem.steps:
        result = _apply(value, step)
        lines.append(f"{value}{step[0]}{step[1]}={result}")
        value = result
    return "、".join(lines)
