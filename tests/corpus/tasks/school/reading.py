"""Readers of school problems: they know the text of questions alone, and share no code with the families."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

type Answer = (
    Fraction | Squared | TimesPi | Time | Length | Date | frozenset[tuple[int, int]] | tuple[Fraction, ...] | str
)
type Reader = Callable[[re.Match[str], str], Answer | None]


@dataclass(frozen=True)
class Squared:
    """A positive number, by its square."""

    square: Fraction


@dataclass(frozen=True)
class TimesPi:
    """A multiple of π."""

    factor: Fraction


@dataclass(frozen=True)
class Time:
    """Time of day."""

    minutes: int


@dataclass(frozen=True)
class Length:
    """Length of time."""

    minutes: int


@dataclass(frozen=True)
class Date:
    """Month and day."""

    month: int
    day: int


RULES: list[tuple[re.Pattern[str], Reader]] = []
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def reads(pattern: str) -> Callable[[Reader], Reader]:
    """Register a reader of the questions in which a pattern occurs; it returns None if it cannot read one."""

    def register(reader: Reader) -> Reader:
        RULES.append((re.compile(pattern, re.DOTALL), reader))
        return reader

    return register


def numbers(pattern: str, text: str) -> list[int]:
    """Return the whole numbers that the only group of a pattern matches."""
    return [int(number) for number in re.findall(pattern, text)]


def answer(question: str) -> Answer:
    """Return the answer that the first fitting reader computes."""
    for pattern, reader in RULES:
        match = pattern.search(question)
        if match and (found := reader(match, question)) is not None:
            return found
    raise AssertionError(f"nobody can read this question:\n{question}")


def stated(response: str) -> str:
    """Return what a response states in its last sentence."""
    match = re.search(r"答えは(.*)です。\Z", response)
    assert match, response
    return match[1]


def is_right(statement: str, expected: Answer) -> bool:
    """Whether a statement is the expected answer, written as the families write it."""
    match expected:
        case Fraction():
            found = re.match(r"(-?\d+(?:\.\d+)?(?:/\d+)?)(.*)", statement)
            return bool(found) and _value(found[1]) / (100 if found[2] == "%" else 1) == expected  # type: ignore[index]
        case Squared(square):
            found = re.fullmatch(r"(\d+)?(?:√(\d+))?(?:/(\d+))?", statement)
            if not found or not statement:
                return False
            outside, inside, below = (int(part or 1) for part in found.groups())
            reduced = all(inside % (factor * factor) for factor in range(2, inside + 1))
            return reduced and Fraction(outside * outside * inside, below * below) == square
        case TimesPi(factor):
            found = re.match(r"(\d+)?π(?:/(\d+))?", statement)
            return bool(found) and Fraction(int(found[1] or 1), int(found[2] or 1)) == factor  # type: ignore[index]
        case Time(minutes):
            return clocks(statement) == [minutes] and not re.sub(r"午[前後]\d+時(\d+分)?", "", statement)
        case Length(minutes):
            return length(statement) == minutes
        case Date(month, day):
            return statement == f"{month}月{day}日"
        case frozenset():
            pairs = re.findall(r"\((\d), (\d)\)", statement)
            return len(pairs) == len(expected) and {(int(a), int(b)) for a, b in pairs} == expected
        case tuple():
            return tuple(map(_value, re.split("、|, ", statement.strip("()")))) == expected
        case str():
            return statement in (expected, f"「{'」「'.join(expected.split('、'))}」")


UNITS = "km²|cm²|m²|cm³|km|cm|mm|mL|kg|Pa|g|m|L|V|%|円|個|本|枚|冊|人|点|通り|回|文字|日|度|時間|分"
REQUESTED = re.compile(rf"何({UNITS})")


def has_requested_unit(question: str, statement: str) -> bool:
    """Whether a number is stated in the unit that the end of the question asks for, or without a unit."""
    requested = REQUESTED.findall(question.rstrip("。").split("。")[-1].split("\n")[-1])
    tail = re.fullmatch(rf"-?[\d./]*π?(?:/\d+)?({UNITS}|km/h|m/s|°)?", statement)
    if not requested or not tail or "何時間何分" in question:
        return True
    return (tail[1] or requested[-1]) in (requested[-1], {"km": "km/h", "度": "°", "m": "m/s"}.get(requested[-1]))


def clocks(text: str) -> list[int]:
    """Return the times of day of a text, in minutes."""
    return [
        (int(hour) + (12 if half == "後" else 0)) * 60 + int(minute or 0)
        for half, hour, minute in re.findall(r"午([前後])(\d+)時(?!間)(?:(\d+)分)?", text)
    ]


def length(text: str) -> int | None:
    """Return the first length of time of a text in minutes, besides times of day."""
    rest = re.sub(r"午[前後]\d+時(?!間)(?:\d+分)?", "", text)
    match = re.search(r"(\d+)時間(?:(\d+)分)?|(\d+)分", rest)
    return int(match[1] or 0) * 60 + int(match[2] or match[3] or 0) if match else None


def _value(text: str) -> Fraction:
    return Fraction(text)
