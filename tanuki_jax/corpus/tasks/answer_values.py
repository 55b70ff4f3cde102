"""Values of answers to school problems: how they are written, and whether a free-text response states them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from tanuki_jax.corpus.tasks.responses import Root, final_quantities, final_statement

type Number = int | Fraction


@dataclass(frozen=True, slots=True)
class Clock:
    """Time of day."""

    minutes: int
    """Minutes since midnight, from 0 to 1439."""


@dataclass(frozen=True, slots=True)
class Span:
    """Length of time in minutes."""

    minutes: int


@dataclass(frozen=True, slots=True)
class Day:
    """Day of the year."""

    month: int
    day: int


@dataclass(frozen=True, slots=True)
class Point:
    """Point of the plane."""

    x: Number
    y: Number


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of whole numbers, whose order among each other does not matter."""

    pairs: tuple[tuple[int, int], ...]


type Value = Number | Root | Clock | Span | Day | Point | Pairs | str | tuple[Number, ...]

_CLOCK = re.compile(r"(午前|午後)?\s*(\d+)(?:時(?!間)(?:\s*(\d+)分|(半))?|:(\d\d))")
_SPAN = re.compile(r"(?:(\d+)時間)?\s*(?:と|、)?\s*(?:(\d+)分)?")
_DAY = re.compile(r"(\d+)(?:月\s*|/)(\d+)日?")
_PAIR = re.compile(r"[(\[]\s*(\d+)\s*[,、]\s*(\d+)\s*[)\]]")
_QUOTES = str.maketrans("", "", "「」『』\"'`* 　→")
_ENDINGS = ("", "です", "となります", "になります", "である", "だ")


def show(value: Value, *, decimals: bool = False) -> str:
    """Write a value, without a unit.

    Args:
        value: value of an answer.
        decimals: whether fractions are written as decimals, which they must have exactly.
    """
    match value:
        case int() | str():
            return str(value)
        case Fraction():
            return _decimal(value) if decimals else str(value)
        case Root():
            return str(value)
        case Clock(minutes):
            half = "午前" if minutes < 720 else "午後"
            return f"{half}{minutes // 60 % 12}時{minutes % 60}分" if minutes % 60 else f"{half}{minutes // 60 % 12}時"
        case Span(minutes):
            hours, rest = divmod(minutes, 60)
            return f"{hours}時間{rest}分" if hours and rest else f"{hours}時間" if hours else f"{rest}分"
        case Day(month, day):
            return f"{month}月{day}日"
        case Point(x, y):
            return f"({show(x)}, {show(y)})"
        case Pairs(pairs):
            return "、".join(f"({first}, {second})" for first, second in pairs)
        case _:
            return "、".join(show(number, decimals=decimals) for number in value)


def states(response: str, value: Value, choices: Sequence[str] = ()) -> bool:
    """Whether the response states the value as its answer, in any of the usual ways of writing it.

    Args:
        response: free text.
        value: right answer.
        choices: words of which the answer is one; empty: a text answer must be stated exactly.
    """
    statement = final_statement(response)
    match value:
        case str() if choices:
            return [choice for choice in choices if choice in statement] == [value]
        case str():
            stated_text, expected = _bare(statement), _bare(value)
            return any(stated_text == expected + ending for ending in _ENDINGS)
        case Clock(minutes):
            times = {_minutes(match) for match in _CLOCK.finditer(statement)}
            return times in ({minutes}, {minutes + 1440})
        case Span(minutes):
            spans = {int(match[1] or 0) * 60 + int(match[2] or 0) for match in _SPAN.finditer(statement) if match[0]}
            return bool(spans) and spans - {0} == {minutes} and not _CLOCK.search(statement)
        case Day(month, day):
            return {(int(match[1]), int(match[2])) for match in _DAY.finditer(statement)} == {(month, day)}
        case Pairs(pairs):
            stated = [(int(match[1]), int(match[2])) for match in _PAIR.finditer(statement)]
            return sorted(stated) == sorted(pairs)
        case Point(x, y):
            return final_quantities(response) == (x, y)
        case tuple():
            return final_quantities(response) == value
        case _:
            if _CLOCK.search(statement) or _DAY.search(statement.replace("/", " ")):
                return False
            stated_numbers = final_quantities(response)
            return len(set(stated_numbers)) == 1 and stated_numbers[0] == value


def _decimal(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    digits = 0
    scaled = value
    while scaled.denominator != 1:
        scaled *= 10
        digits += 1
        assert digits < 12, f"{value} is no finite decimal"
    integer, part = divmod(abs(scaled.numerator), 10**digits)
    return f"{'-' if value < 0 else ''}{integer}.{part:0{digits}}"


def _minutes(match: re.Match[str]) -> int:
    hour = int(match[2])
    minute = 30 if match[4] else int(match[3] or match[5] or 0)
    if match[1]:
        hour = hour % 12 + (12 if match[1] == "午後" else 0)
    return hour * 60 + minute


def _bare(text: str) -> str:
    """Return a text without quotes and spaces, and with one kind of comma."""
    return text.replace("」「", "、").translate(_QUOTES).replace(",", "、")
