"""Amounts of a plain text: numbers with their units, times of day and dates, and how precisely they are written."""

import math
import re
from dataclasses import dataclass, replace
from fractions import Fraction

from tanuki_jax.corpus.tasks.answer_values import Clock, Day
from tanuki_jax.corpus.tasks.responses import Root
from tanuki_jax.evaluation.graders.answer_units import BARE, Unit, speed_before, unit_at
from tanuki_jax.evaluation.graders.maths_text import NUMBER, REPEATED

_ROOT = r"√\s*\(?(?P<{0}>\d+)\)?"
_BELOW = r"[1-9]\d*"
_NUMERAL = re.compile(
    r"(?P<before>午前|午後|AM|PM|朝の?|お昼の?|昼の?|正午の?|夕方の?|夜の?|深夜の?)?\s*"
    r"(?<![\d.:/])(?P<hour>\d{1,2})(?:時(?![間速])(?:\s*(?P<minute>[0-5]?\d)分(?!の)|(?P<half>半)|(?!\s*\d))"
    r"|:(?P<minutes>[0-5]\d)(?!\d|:\d))(?:\s*(?P<behind>AM|PM|am|pm|a\.m\.|p\.m\.))?"
    r"|(?P<month>\d{1,2})月\s*(?P<day>\d{1,2})日"
    rf"|(?P<mantissa>{NUMBER})\s*×\s*10\s*\^\s*\(?(?P<exponent>-?\d{{1,3}})(?!\d)\)?"
    r"|(?P<tenths>\d+)割(?![りれるっ])(?:(?P<hundredths>\d)分)?(?:(?P<thousandths>\d)厘)?"
    rf"|(?:(?P<whole>\d+)\s*と\s*)?(?P<below>{_BELOW})\s*分の\s*(?P<above>{NUMBER})"
    rf"|(?:(?P<wholes>\d+)(?:\s*と\s*|\s(?=\d+/\d)))?(?P<top>{NUMBER})?\s*(?:{_ROOT.format('topped')})?"
    rf"\s*(?P<topped_pi>(?:×\s*)?π)?\s*/\s*(?P<bottom>{_BELOW})(?![\d.]*\s*(?:km|m)\b)"
    rf"|(?P<factor>{NUMBER})?\s*(?:×\s*)?{_ROOT.format('radicand')}"
    rf"|(?P<times_pi>{NUMBER})?\s*(?:×\s*)?(?P<pi>π)"
    rf"|(?P<start>\d+\.\d*?)(?P<cycle>\d{REPEATED}(?:\d*\d{REPEATED})?)"
    rf"|(?P<plain>{NUMBER})(?P<endless>\s?\.\.+)?",
)
_NEGATIVE = re.compile(r"(?:(?P<minus>-)|マイナス|氷点下|零下|負の数?)\s*$")
_OPERAND = re.compile(r"[A-Za-z0-9)°%π]\s*$")
_NEAR_BEFORE = re.compile(
    r"(?:約|およそ|おおよそ|おおむね|ほぼ|だいたい|大体|≒|~|\b(?:about|around|approximately|roughly|approx\.?)\s)"
    r"\s*(?:[時分秒]速)?\s*$",
    re.IGNORECASE,
)
_NEAR_BEHIND = re.compile(r"\s*(?:ほど|程度|くらい|ぐらい|前後|弱|強)")
_LATE = ("午後", "PM", "pm", "p.m.", "夕方", "夜")
type Measured = Fraction | Root | Clock | Day


@dataclass(frozen=True, slots=True)
class Amount:
    """Number of a text with its unit."""

    start: int
    stop: int
    """Its place in the text, unit included."""
    value: Measured
    """Number in its unit."""
    unit: Unit = BARE
    written: str = ""
    """Number as it is written, without unit."""
    digits: int = 0
    """Significant digits of a decimal number; 0: it is no decimal number."""
    step: Fraction = Fraction(0)
    """Unit of its last digit."""
    near: bool = False
    """Whether the text says that it is rounded."""
    endless: bool = False
    """Whether dots say that digits follow."""

    def has_value(self, expected: Measured, unit: Unit, *, beside: bool = False) -> bool:
        """Whether it is an expected value, or that value rounded to enough digits.

        A value that is no whole number in the amount's unit may be rounded to three significant digits, or to two if
        the text says that it is rounded.

        Args:
            expected: value in its unit.
            unit: unit of the expected value; `BARE`: the amount may have any.
            beside: whether the exact value stands beside it, so that two digits are enough.
        """
        if isinstance(expected, Clock | Day) or isinstance(self.value, Clock | Day):
            return self.value == expected or self._is_day(expected) or self._is_span(expected, unit)
        value = self.value
        return any(self._is(value, expected, factor, beside) for factor in self._factors(expected, unit))

    def _factors(self, expected: Fraction | Root, unit: Unit) -> list[Fraction]:
        """Return the possible numbers of the expected unit in one of its own."""
        own = self.unit
        if own.dimension == unit.dimension == "count":
            return [Fraction(1)] if own.counts_like(unit) else []
        if own.dimension == "":
            # A bare number has the unit that is asked for; a bare share may be the number before the percent sign.
            return [Fraction(1), 1 / unit.factor] if unit.dimension == "share" else [Fraction(1)]
        if unit == BARE and own.dimension == "time":
            return [Fraction(1), own.factor, own.factor / 60, own.factor / 3600]
        if unit == BARE:
            whole = own.dimension == "share" and not isinstance(expected, Root) and expected > 1
            return [own.factor, Fraction(1)] if whole else [own.factor if own.dimension == "share" else Fraction(1)]
        if own.dimension == unit.dimension:
            return [own.factor / unit.factor]
        if unit.dimension == "speed" and own.dimension == "length":
            return [Fraction(1)] if own.factor <= unit.factor * 3600 < own.factor * 60 else []
        return []

    def _is(self, value: Fraction | Root, expected: Fraction | Root, factor: Fraction, beside: bool) -> bool:
        if isinstance(expected, Root):
            if isinstance(value, Root):
                return _squared(value) == _squared(Root(expected.factor / factor, expected.of))
            root = math.pi if expected.of == 0 else math.sqrt(expected.of)
            target = Fraction(float(expected.factor) * root) / factor
        else:
            target = expected / factor
        if value == target:
            return True
        if isinstance(value, Root) or self.digits == 0 or target.denominator == 1:
            return False
        enough = self.digits >= (2 if self.near or self.endless or beside else 3)
        rounded = abs(value - target) * 2 <= self.step
        cut = self.endless and 0 <= abs(target) - abs(value) < self.step and target * value > 0
        return enough and (rounded or cut)

    def _is_day(self, expected: Measured) -> bool:
        """Whether it is a day written as 4/4."""
        written = re.sub(r"\s", "", self.written)
        return isinstance(expected, Day) and written == f"{expected.month}/{expected.day}"

    def _is_span(self, expected: Measured, unit: Unit) -> bool:
        """Whether it is a length of time written as 2:25."""
        if not isinstance(self.value, Clock) or ":" not in self.written or not isinstance(expected, Fraction):
            return False
        minute = Fraction(60) if unit == BARE else unit.factor
        return unit.dimension in ("", "time") and self.value.minutes * 60 == expected * minute


def _squared(root: Root) -> tuple[bool, Fraction, bool]:
    """Return sign, square and whether π is in it, by which 3√5 and √45 are one number."""
    return root.factor < 0, root.factor**2 * (root.of or 1), root.of == 0


def amounts(text: str) -> list[Amount]:
    """Return the amounts of a `plain_maths` text in their order; 1時間40分 and 1m60cm are one amount each."""
    found: list[Amount] = []
    for match in _NUMERAL.finditer(text):
        behind = found[-1].stop if found else 0
        start = match.end() - len(match[0].lstrip())
        if start < behind or (start > behind and _belongs_to_name(text, start)):
            continue
        amount = _amount(text, match, behind)
        if found and (joined := _joined(text, found[-1], amount)):
            found[-1] = joined
        else:
            found.append(amount)
    return found


def _belongs_to_name(text: str, start: int) -> bool:
    """Whether a number is part of a name, such as x1, a_20 or CO2."""
    before = text[start - 1 : start] if start else ""
    return before in ("_", "^") or (before.isascii() and before.isalpha())


def _amount(text: str, match: re.Match[str], behind: int) -> Amount:
    part = match.groupdict()
    start = match.start() + len(match[0]) - len(match[0].lstrip())
    if part["hour"]:
        return Amount(start, match.end(), Clock(_minutes(part)), Unit("clock"), match[0].strip())
    if part["month"]:
        day = Day(int(part["month"]), int(part["day"]))
        return Amount(start, match.end(), day, Unit("day"), match[0].strip())
    value, digits, step = _measured(part)
    unit, stop = unit_at(text, match.end())
    if part["tenths"]:
        unit = Unit("share", Fraction(1, 100))
    if text[stop : stop + 1] == "半" and isinstance(value, Fraction) and unit.dimension in ("time", "months"):
        value, digits, stop = value + Fraction(1, 2), 0, stop + 1
    sign = _NEGATIVE.search(text, max(behind, start - 5), start)
    near = start
    joined = sign and sign["minus"] and (not text[behind : sign.start()].strip() if behind else False)
    if sign and not joined and not (sign["minus"] and _OPERAND.search(text[max(sign.start() - 9, 0) : sign.start()])):
        value = Root(-value.factor, value.of) if isinstance(value, Root) else -value
        near = start = sign.start()
    unit = speed_before(text, near, unit)
    return Amount(
        start,
        stop,
        value,
        unit,
        text[start : match.end()].strip(),
        digits,
        step,
        bool(_NEAR_BEFORE.search(text[max(near - 18, 0) : near]) or _NEAR_BEHIND.match(text, stop)),
        bool(part["endless"]),
    )


def _measured(part: dict[str, str | None]) -> tuple[Fraction | Root, int, Fraction]:
    """Return value, significant digits and unit of the last digit."""
    if (decimal := part["plain"] or part["mantissa"]) is not None:
        power = Fraction(10) ** int(part["exponent"] or 0)
        value, digits, step = _decimal(decimal)
        return value * power, digits, step * power
    if part["start"]:
        return _repeating(part["start"], part["cycle"] or ""), 0, Fraction(0)
    if part["tenths"]:
        written = ".".join((part["tenths"], (part["hundredths"] or "") + (part["thousandths"] or "")))
        value, digits, step = _decimal(written)
        return value * 10, digits, step * 10
    if part["below"]:
        return _number(part["above"]) / _number(part["below"]) + _number(part["whole"]), 0, Fraction(0)
    factor = _number(part["top"] or part["factor"] or part["times_pi"] or "1") / _number(part["bottom"] or "1")
    factor += _number(part["wholes"])
    radicand = part["topped"] or part["radicand"]
    if radicand:
        return Root(factor, int(radicand)), 0, Fraction(0)
    return (Root(factor, 0) if part["pi"] or part["topped_pi"] else factor), 0, Fraction(0)


def _number(written: str | None) -> Fraction:
    return Fraction((written or "0").replace(",", ""))


def _decimal(written: str) -> tuple[Fraction, int, Fraction]:
    plain = written.replace(",", "")
    whole, _, decimals = plain.partition(".")
    significant = (whole + decimals).lstrip("0") if decimals else whole.lstrip("0").rstrip("0")
    return Fraction(plain), len(significant), Fraction(1, 10 ** len(decimals))


def _repeating(start: str, cycle: str) -> Fraction:
    digits = cycle.replace(REPEATED, "")
    shift = len(start.partition(".")[2])
    return Fraction(start + "0") + Fraction(int(digits), (10 ** len(digits) - 1) * 10**shift)


def _minutes(part: dict[str, str | None]) -> int:
    hour, minute = int(part["hour"] or 0), 30 if part["half"] else int(part["minute"] or part["minutes"] or 0)
    half = (part["before"] or part["behind"] or "").removesuffix("の")
    if half:
        late = half in _LATE or (half in ("お昼", "昼", "正午") and hour < 6)
        noon = hour == 12 and half in ("お昼", "昼", "正午")
        hour = hour if noon or hour > 12 else hour % 12 + (12 if late else 0)
    return hour * 60 + minute


def _joined(text: str, first: Amount, second: Amount) -> Amount | None:
    """Return two neighbours such as 1時間 and 40分 as one amount; None: they are two."""
    one, two = first.unit, second.unit
    between = text[first.stop : second.start].strip()
    if one.dimension != two.dimension or one.dimension in ("", "count", "share", "clock", "day"):
        return None
    if between not in ("", "と", "、", "and") or one.factor <= two.factor:
        return None
    if isinstance(first.value, Root | Clock | Day) or isinstance(second.value, Root | Clock | Day):
        return None
    if between == "、" or abs(second.value) * two.factor >= one.factor:
        return None
    value = first.value + second.value * two.factor / one.factor
    return replace(first, stop=second.stop, value=value, digits=0, near=first.near or second.near)
