"""Sources and what is written from them, in frames with values that are spelled in two ways."""

import json
import re
from collections.abc import Callable, Mapping
from random import Random

from tests.corpus.synthesis.filters.planted_cases import CASES

EACH = 5
FRAMES: list[str] = json.loads((CASES / "grounding_frames.json").read_text("utf-8"))
_KANJI = "〇一二三四五六七八九"
_VALUES: dict[str, list[str]] = json.loads((CASES / "grounding_values.json").read_text("utf-8"))
_SLOT = re.compile(r"\{(\w+)\}")


def wide(text: str) -> str:
    """Return a text with digits of full width."""
    return text.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789,.%"})


def positional(value: int) -> str:
    """Return a number in kanji, digit by digit."""
    return "".join(_KANJI[int(digit)] for digit in str(value))


def in_kanji(value: int) -> str:
    """Return a number below 10,000 in kanji with 千, 百 and 十."""
    text = ""
    for unit, sign in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = value // unit % 10
        if digit:
            text += ("" if digit == 1 and unit > 1 else _KANJI[digit]) + sign
    return text


def mixed(value: int) -> str:
    """Return a number of full thousands above 10,000 with 万 and 千."""
    rest = value % 10_000 // 1_000
    return f"{value // 10_000}万" + (f"{rest}千" if rest else "")


def _any_of(*values: str) -> Callable[[Random], tuple[str, ...]]:
    return lambda random: (random.choice(values),) * 2


def _people(random: Random) -> tuple[str, ...]:
    value = random.randrange(11, 990) * 1_000
    return (str(value), f"{value:,}", wide(f"{value:,}"), mixed(value), wide(mixed(value)), f"{value / 10_000:g}万")


def _count(random: Random) -> tuple[str, ...]:
    value = random.randrange(101, 9_999)
    return (str(value), f"{value:,}", wide(str(value)), in_kanji(value), positional(value))


def _small(random: Random) -> tuple[str, ...]:
    value = random.randrange(12, 99)
    return (str(value), wide(str(value)), in_kanji(value))


def _yen(random: Random) -> tuple[str, ...]:
    value = random.randrange(2, 99) * 10_000 + random.randrange(10) * 1_000
    return (f"{value:,}", str(value), mixed(value), wide(mixed(value)))


def _percent(random: Random) -> tuple[str, ...]:
    tens = random.randrange(2, 9)
    return (f"{tens}0%", f"{tens}0パーセント", f"{_KANJI[tens]}割", wide(f"{tens}0%"), f"{tens}割")


def _year(random: Random) -> tuple[str, ...]:
    value = random.randrange(1870, 2020)
    return (str(value), wide(str(value)), positional(value))


def _number(random: Random) -> tuple[str, ...]:
    value = random.randrange(11, 990) * 100
    return (f"{value:,}", str(value))


def _share(random: Random) -> tuple[str, ...]:
    name, tens = random.choice(
        (("twenty", 2), ("thirty", 3), ("forty", 4), ("sixty", 6), ("seventy", 7), ("eighty", 8))
    )
    return (f"{tens}0%", f"{name} percent", f"{tens}0 per cent")


def _word(random: Random) -> tuple[str, ...]:
    word = random.choice(_VALUES["word"])
    return (word, str(4 + _VALUES["word"].index(word) if word != "sixteen" else 16))


_KINDS: Mapping[str, Callable[[Random], tuple[str, ...]]] = {
    "people": _people, "count": _count, "small": _small, "small2": _small, "yen": _yen, "percent": _percent,
    "year": _year, "number": _number, "share": _share, "word": _word,
    "year_en": lambda random: (str(random.randrange(1800, 2020)),) * 2,
} | {
    name: _any_of(*_VALUES[name]) for name in ("place", "town", "family", "foreign", "company", "english", "city")
}  # fmt: skip


def fill(frame: str, random: Random, fault: bool) -> tuple[str, tuple[str, ...]]:
    """Return written text and source of a frame; with the fault, one value of the text is another one."""
    slots = _SLOT.findall(frame.split("=>")[0])
    drawn: list[tuple[str, ...]] = []
    while len(drawn) < len(slots):
        values = _KINDS[slots[len(drawn)]](random)
        if values not in drawn:
            drawn.append(values)
    wrong = random.randrange(len(slots)) if fault else -1
    written = list(drawn)
    while fault and written[wrong] in drawn:
        written[wrong] = _KINDS[slots[wrong]](random)
    source, text = frame.split("=>")
    return _filled(text, slots, written, random), (_filled(source, slots, drawn, random),)


def _filled(text: str, slots: list[str], values: list[tuple[str, ...]], random: Random) -> str:
    used = list(range(len(slots)))

    def value(match: re.Match[str]) -> str:
        place = next(place for place in used if slots[place] == match[1])
        used.remove(place)
        return random.choice(values[place])

    return _SLOT.sub(value, text)
