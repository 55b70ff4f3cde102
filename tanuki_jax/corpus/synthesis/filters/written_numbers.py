"""Numbers of Japanese and English texts by value, however they are written: 35,000, ３万5千, 三割, 30%, 令和6年."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

type Value = tuple[str, Fraction]
"""Dimension, such as "time" (empty: a bare number), and a number in the base unit of the dimension."""

_DIGITS = r"\d{1,3}(?:,\d{3})+(?![\d,])(?:\.\d+)?|\d+(?:\.\d+)?"
_KANJI = "〇零一二三四五六七八九十百千万億兆"
_NUMERAL = re.compile(rf"(?<![\d.])(?:(?:{_DIGITS})[{_KANJI}]*)+|[{_KANJI}]+(?:(?:{_DIGITS})[{_KANJI}]*)*")
_PART = re.compile(rf"{_DIGITS}|[{_KANJI}]")
_KANJI_DIGITS = {sign: value for value, sign in enumerate("〇一二三四五六七八九")} | {"零": 0}
_TENS = {"十": 10, "百": 100, "千": 1_000}
_MYRIADS = {"万": 10**4, "億": 10**8, "兆": 10**12}
_DECIMAL = re.compile(r"(?<![〇一二三四五六七八九十])([〇一二三四五六七八九十]{1,8})・([〇一二三四五六七八九]{1,8})")
_CIRCLED = re.compile("[①-⓿❶-➓]")

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS_IN_WORDS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORDS = (
    {word: value for value, word in enumerate(_ONES)}
    | {word: value * 10 for value, word in enumerate(_TENS_IN_WORDS, 2)}
    | {"hundred": 100, "thousand": 1_000, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12}
)
_WORD = "|".join(sorted(_WORDS, key=len, reverse=True))
_IN_WORDS = re.compile(rf"\b(?:{_WORD})(?:(?:[ -]| and )(?:{_WORD}))*\b", re.IGNORECASE)
_UNCOUNTED = ("hundred", "thousand", "million", "billion", "trillion", "dozen")
_SCALE = re.compile(r"[ -]?(thousand|million|billion|trillion)\b", re.IGNORECASE)

_PERCENT = re.compile(r"\s?(?:%|パーセント|per ?cent\b|percentage)", re.IGNORECASE)
_TENTHS = re.compile(r"割(?![れりるっ])(?:([一二三四五六七八九\d])分)?(?:([一二三四五六七八九\d])厘)?")
_FRACTION = re.compile(r"\s?分の\s?|\s?/\s?")
_ERAS = {"明治": 1867, "大正": 1911, "昭和": 1925, "平成": 1988, "令和": 2018}
_ERA = re.compile(rf"({'|'.join(_ERAS)})\s?(元|\d{{1,2}}|[{_KANJI}]{{1,3}})\s?年")
_LATE = re.compile(r"(?:午後|夜|夕方|夜の|PM)\s?(?:の\s?)?$", re.IGNORECASE)
_FACTORS = {
    "time": "秒=1 秒間=1 second=1 seconds=1 分=60 分間=60 minute=60 minutes=60 時間=3600 hour=3600 hours=3600 "
    "日間=86400 days=86400 週間=604800 week=604800 weeks=604800",
    "months": "か月=1 ヶ月=1 カ月=1 ヵ月=1 ケ月=1 箇月=1 month=1 months=1 年=12 年間=12 years=12",
    "length": "mm=1 ミリ=1 ミリメートル=1 cm=10 センチ=10 センチメートル=10 m=1000 メートル=1000 meters=1000 "
    "metres=1000 km=1000000 キロ=1000000 キロメートル=1000000 kilometers=1000000 kilometres=1000000",
    "mass": "mg=1 ミリグラム=1 g=1000 グラム=1000 grams=1000 kg=1000000 キログラム=1000000 kilograms=1000000 "
    "t=1000000000 トン=1000000000 tons=1000000000 tonnes=1000000000",
    "volume": "ml=1 ミリリットル=1 cc=1 dl=100 デシリットル=100 l=1000 L=1000 リットル=1000 liters=1000 litres=1000",
}
"""Dimension -> units with their factors to the base unit."""
_UNITS = {
    unit: (dimension, Fraction(factor))
    for dimension, rows in _FACTORS.items()
    for unit, factor in (cell.split("=") for cell in rows.split())
}
_NAMED_UNITS = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_UNIT = re.compile(rf"\s?({_NAMED_UNITS})(半)?(?![A-Za-z])")
_HALVES = re.compile(r"半分|半数|半額|半量|\bhalf\b|\bhalves\b", re.IGNORECASE)
_SMALLEST = Fraction(1, 10**6)
"""Unit of the last digit below which a number is not looked at: 1/3 has no last digit."""
_LONGEST = 40
"""Most characters of a numeral."""
type Rounding = Literal["", "near", "up", "down"]
_PARTS = {"third": 3, "quarter": 4, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10}
_SHARES = re.compile(rf"\b(a|one|two|three|four)[ -]({'|'.join(_PARTS)})s?\b", re.IGNORECASE)
_ROUNDED: tuple[tuple[Rounding, re.Pattern[str], re.Pattern[str]], ...] = (
    (
        "down",
        re.compile(r"\b(?:over|more than|at least) \s?[$¥]?$", re.IGNORECASE),
        re.compile(r"[^\s\d、。,.]{0,5}?(?:以上|あまり|余り|余|超|強)"),
    ),
    (
        "up",
        re.compile(r"\b(?:nearly|almost|less than|at most|up to) \s?[$¥]?$", re.IGNORECASE),
        re.compile(r"[^\s\d、。,.]{0,5}?(?:弱|近く|未満|以下)"),
    ),
    (
        "near",
        re.compile(
            r"(?:約|およそ|おおよそ|ほぼ|\b(?:about|around|approximately|roughly|some) )\s?[$¥]?$", re.IGNORECASE
        ),
        re.compile(r"[^\s\d、。,.]{0,5}?(?:ほど|程度|前後|くらい|ぐらい)"),
    ),
)
"""Direction of rounding, the words before a rounded number, and those behind it."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a text."""

    start: int
    stop: int
    """Its place in the normalised text, without unit."""
    values: frozenset[Value]
    """Possible meanings, any of which is enough: 30% is 30 and 0.3, 2 km is 2 and a length of 2,000,000 mm."""
    kanji: bool = False
    """Whether it is in kanji alone."""
    rounded: Rounding = ""
    """Direction in which the text says that it is rounded: 約3万人, 3万人以上, 3万人近く; empty: it is exact."""
    parts: tuple["Number", ...] = ()
    """Numbers that it consists of, such as the hours and minutes of a time, which are enough, too, if all are there."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Values that a text has."""

    values: set[Value] = field(default_factory=set)

    def add(self, text: str) -> None:
        """Add the values of a normalised text, and what follows from each: 15時 is 3 o'clock, too."""
        for number in numbers(text):
            self._add(number)
            self._add_times(text, number)
        if _HALVES.search(text) is not None:
            self.values.update({("", Fraction(1, 2)), ("", Fraction(50))})
        for match in _SHARES.finditer(text):
            share = Fraction(_WORDS.get(match[1].lower(), 1), _PARTS[match[2].lower()])
            self.values.update({("", share), ("", share * 100)})

    def has(self, number: Number) -> bool:
        """Whether the values have a number, or, if it is rounded, one that rounds to it."""
        if not self.values.isdisjoint(number.values) or (number.parts and all(map(self.has, number.parts))):
            return True
        return number.rounded != "" and any(self._rounds_to(value, number.rounded) for value in number.values)

    def has_sum(self, number: Number, most: int = 300) -> bool:
        """Whether a number is the sum or difference of two of the values; of more than `most` values none is."""
        bare = {value for dimension, value in self.values if not dimension}
        wanted = {value for dimension, value in number.values if not dimension}
        return len(bare) <= most and any(
            value - other in bare or value + other in bare for value in wanted for other in bare
        )

    def _add(self, number: Number) -> None:
        self.values.update(number.values)
        for part in number.parts:
            self._add(part)

    def _add_times(self, text: str, number: Number) -> None:
        behind = text[number.stop : number.stop + 2]
        for _, value in [value for value in number.values if not value[0]]:
            if value.denominator > 1:
                continue
            if behind[:1] == "年" and 1_000 <= value <= 9_999 and value % 100 >= 10:
                self.values.add(("", value % 100))
            if behind[:1] == "時" or re.match(r":\d|\s?[ap]", behind, re.IGNORECASE):
                late = _LATE.search(text, max(number.start - 5, 0), number.start) or behind.strip().lower()[:1] == "p"
                if 12 < value <= 24 or (late and value <= 12):
                    self.values.add(("", value - 12 if value > 12 else value + 12))
                if behind == "時半":
                    self.values.add(("", Fraction(30)))

    def _rounds_to(self, wanted: Value, rounding: Rounding) -> bool:
        dimension, value = wanted
        if dimension or value <= 0:
            return False
        unit = Fraction(1)
        while (value / unit).denominator > 1 and unit > _SMALLEST:
            unit /= 10
        while (value / (unit * 10)).denominator == 1:
            unit *= 10
        least = {"near": -unit / 2, "up": -unit, "down": Fraction(0)}[rounding or "near"]
        most = {"near": unit / 2, "up": Fraction(0), "down": unit}[rounding or "near"]
        return any(not kind and other > 0 and least <= other - value <= most for kind, other in self.values)


def normalized(text: str) -> str:
    """Return a text in NFKC without circled numbers, which number items; 八・五 becomes 8.5."""
    normal = unicodedata.normalize("NFKC", _CIRCLED.sub(" ", text))
    return _DECIMAL.sub(lambda match: ".".join(str(value_of(part)) for part in match.groups()), normal)


def numbers(text: str) -> list[Number]:
    """Return the numbers of a normalised text in their order. Digits behind a Latin letter, as in CO2, are no number,
    and neither are 数十 and 何百."""
    found = sorted([*_numerals(text), *_in_words(text)], key=lambda number: number.start)
    joined: list[Number] = []
    for number in found:
        if joined and number.start < joined[-1].stop:
            continue  # the million of 3.5 million
        if joined and (pair := _pair(text, joined[-1], number)):
            joined[-1] = pair
        else:
            joined.append(number)
    return joined


def value_of(numeral: str) -> Fraction | None:
    """Return the value of digits and kanji, such as 3万5千, 二十三 or 二〇二四; None: it is no numeral, or a long run
    of digits."""
    if len(numeral) > _LONGEST:
        return None
    total, group, current = Fraction(0), Fraction(0), None
    for part in _PART.findall(numeral):
        if part in _MYRIADS:
            total += (group + (current or 0) or 1) * _MYRIADS[part]
            group, current = Fraction(0), None
        elif part in _TENS:
            group += (1 if current is None else current) * _TENS[part]
            current = None
        elif part in _KANJI_DIGITS:
            current = (current or Fraction(0)) * 10 + _KANJI_DIGITS[part]
        elif current is None:
            current = Fraction(part.replace(",", ""))
        else:
            return None
    return total + group + (current or 0)


def _numerals(text: str) -> Iterator[Number]:
    eras = {match.start(2): match for match in _ERA.finditer(text)}
    for match in eras.values():
        if match[2] == "元":
            yield Number(match.start(2), match.end(2), frozenset({("", Fraction(_ERAS[match[1]] + 1))}))
    behind = 0
    for match in _NUMERAL.finditer(text):
        start, stop, value = match.start(), match.end(), value_of(match[0])
        before = text[start - 1 : start]
        if value is None or (before.isascii() and before.isalpha()) or before in ("数", "何", "幾", "_"):
            continue
        if start < behind:
            continue  # the 五 of 三割五分
        if scale := _SCALE.match(text, stop):
            value *= _WORDS[scale[1].lower()]
            stop = scale.end()
        values = _meanings(text, stop, value)
        if tenths := _TENTHS.match(text, stop):
            behind = tenths.end()
        if (era := eras.get(start)) and value < 100:
            values = {("", _ERAS[era[1]] + value)}
        yield Number(start, stop, frozenset(values), not any(map(str.isdigit, match[0])), _rounding(text, start, stop))


def _in_words(text: str) -> Iterator[Number]:
    for match in _IN_WORDS.finditer(text):
        total, group = Fraction(0), Fraction(0)
        for word in re.findall(_WORD, match[0].lower()):
            amount = _WORDS[word]
            if amount >= 1_000:
                total, group = total + max(group, Fraction(1)) * amount, Fraction(0)
            elif word in ("hundred", "dozen"):
                group = max(group, Fraction(1)) * amount
            else:
                group += amount
        before = text[max(match.start() - 2, 0) : match.start()].lower()
        if match[0].lower() in _UNCOUNTED and before != "a ":
            continue  # hundreds of people, or the million of 3.5 million
        value = total + group
        yield Number(
            *match.span(), frozenset(_meanings(text, match.end(), value)), rounded=_rounding(text, *match.span())
        )


def _meanings(text: str, stop: int, value: Fraction) -> set[Value]:
    """Return what a number may mean with the unit behind it."""
    if tenths := _TENTHS.match(text, stop):
        small = [value_of(part) or Fraction(0) if part else Fraction(0) for part in tenths.groups()]
        share = value / 10 + small[0] / 100 + small[1] / 1_000
        return {("", share), ("", share * 100)}
    if _PERCENT.match(text, stop):
        return {("", value), ("", value / 100)}
    if unit := _UNIT.match(text, stop):
        dimension, factor = _UNITS[unit[1]]
        whole = value + Fraction(1, 2) if unit[2] else value
        kilograms = {("mass", whole * factor)} if unit[1] == "キロ" else set()
        return {("", value), ("", whole), (dimension, whole * factor), *kilograms}
    return {("", value)}


def _rounding(text: str, start: int, stop: int) -> Rounding:
    for rounding, before, behind in _ROUNDED:
        if before.search(text[max(start - 16, 0) : start]) or behind.match(text, stop):
            return rounding
    return ""


def _pair(text: str, first: Number, second: Number) -> Number | None:
    """Return a fraction, a date or a time from two neighbours as one number; None: they do not belong together."""
    between = text[first.stop : second.start]
    if len(between) > 12 or first.parts:
        return None
    one, two = (next((value for kind, value in each.values if not kind), Fraction(0)) for each in (first, second))
    values: set[Value] = set()
    is_share = "分の" in between
    if _FRACTION.fullmatch(between) and one and two:
        values = {("", two / one if is_share else one / two)}
        values |= {("", value * 100) for _, value in values}
    elif (unit := _UNIT.match(between)) and not between[unit.end() :].strip(" とand"):
        for kind, amount in first.values:
            values |= {
                (kind, amount + other)
                for dimension, other in second.values
                if kind == dimension != "" and amount > other
            }
    if not values:
        return None
    parts = () if is_share else (first, second)
    return Number(first.start, second.stop, frozenset(values), False, first.rounded, parts)
