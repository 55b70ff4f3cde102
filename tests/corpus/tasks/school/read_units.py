"""Readers of units and quantities."""

import re
from fractions import Fraction

from tests.corpus.tasks.school.reading import Answer, Length, numbers, reads

IN_METERS_GRAMS_LITERS = {
    "km": Fraction(1000),
    "m": Fraction(1),
    "cm": Fraction(1, 100),
    "mm": Fraction(1, 1000),
    "t": Fraction(1_000_000),
    "kg": Fraction(1000),
    "g": Fraction(1),
    "L": Fraction(1),
    "mL": Fraction(1, 1000),
}
IN_SQUARE_METERS = {
    "m²": Fraction(1),
    "cm²": Fraction(1, 100**2),
    "km²": Fraction(1000**2),
    "ha": Fraction(100**2),
    "a": Fraction(100),
}
DECIMAL = r"(\d+(?:\.\d+)?)"


def converted(amount: Fraction, old: str, new: str) -> Fraction:
    return amount * IN_METERS_GRAMS_LITERS[old] / IN_METERS_GRAMS_LITERS[new]


@reads(r"(\d+)m(\d+)cmの.*?(\d+)m(\d+)cmの")
def two_lengths(match: re.Match[str], _: str) -> Answer:
    a, b, c, d = map(int, match.groups())
    return converted(Fraction(a + c), "m", "cm") + b + d


@reads(r"(\d+)(km|kg|cm|m|L|t)(\d+)(mL|kg|mm|cm|g|m)(?![²³\d/])")
def compound(match: re.Match[str], text: str) -> Answer | None:
    if f"何{match[4]}で" not in text and f"何{match[4]}に" not in text and f"{match[4]}の単位だけ" not in text:
        return None
    return converted(Fraction(match[1]), match[2], match[4]) + int(match[3])


@reads("箱だけ|空の箱|空のかご")
def contents(_: re.Match[str], text: str) -> Answer:
    (total,), (box,) = re.findall(rf"{DECIMAL}kg", text), re.findall(r"(\d+)g", text)
    return converted(Fraction(total), "kg", "g") - int(box)


@reads(rf"{DECIMAL}L.*?(\d+)mL(?:ずつ(\d+)|を(\d+)回)")
def poured(match: re.Match[str], _: str) -> Answer:
    left = converted(Fraction(match[1]), "L", "mL")
    for _cup in range(int(match[3] or match[4])):
        left -= int(match[2])
    return left


@reads(
    rf"{DECIMAL}(km|kg|cm|m|L|t)(?:でした|」と|が何).*?(?:何|ました。"
    rf")(mm|cm|mL|kg|g|m)(?:で|に)|{DECIMAL}(km|kg|cm|m|L|t)が何(mm|cm|mL|kg|g|m)に"
)
def decimal(match: re.Match[str], _: str) -> Answer:
    amount, old, new = (match[group] or match[group + 3] for group in (1, 2, 3))
    return converted(Fraction(amount), old, new)


@reads(r"\d分")
def added_minutes(_: re.Match[str], text: str) -> Answer | None:
    minutes = numbers(r"(\d+)分", text)
    if len(minutes) != 2 or "何時間何分" not in text or re.search("午[前後]", text):
        return None
    return Length(sum(minutes))


@reads(rf"{DECIMAL}km(?:の道のりを|離れた町まで、)(\d+)分")
def speed(match: re.Match[str], _: str) -> Answer:
    return Fraction(match[1]) / int(match[2]) * 60


@reads(r"時速(\d+)kmで(\d+)分")
def distance(match: re.Match[str], _: str) -> Answer:
    return Fraction(int(match[1]), 60) * int(match[2])


@reads("追いかけ|追う")
def catching_up(_: re.Match[str], text: str) -> Answer:
    slow, fast = numbers(r"分速(\d+)m", text)
    (ahead,) = numbers(r"(\d+)分後", text)
    minutes, front, behind = 0, slow * ahead, 0
    while behind < front:
        minutes, front, behind = minutes + 1, front + slow, behind + fast
    assert behind == front
    return Fraction(minutes)


@reads("出会")
def meeting(_: re.Match[str], text: str) -> Answer | None:
    if len(numbers(r"分速(\d+)m", text)) != 2:
        return None
    between = int(re.findall(r"(\d+)m離れ|周囲が(\d+)m", text)[0][0] or re.findall(r"周囲が(\d+)m", text)[0])
    minutes = 0
    while between > 0:
        between, minutes = between - sum(numbers(r"分速(\d+)m", text)), minutes + 1
    assert between == 0
    return Fraction(minutes)


@reads("溶けている物質は|溶けているものの重さ")
def dissolved(_: re.Match[str], text: str) -> Answer:
    (percent,), (grams,) = numbers(r"(\d+)%", text), numbers(r"(\d+)g", text)
    return Fraction(grams) * Fraction(percent, 100)


@reads(rf"{DECIMAL}(m²|km²|ha|a)(?:を|」).*何(cm²|m²)")
def area(match: re.Match[str], _: str) -> Answer:
    return Fraction(match[1]) * IN_SQUARE_METERS[match[2]] / IN_SQUARE_METERS[match[3]]


@reads(r"(\d+)%の(?:食塩水|砂糖水)(\d+)g.*?(\d+)%の(?:食塩水|砂糖水)(\d+)g|(\d+)gの(\d+)%.*?(\d+)gの(\d+)%")
def mixed(match: re.Match[str], _: str) -> Answer:
    if match[1]:
        one, first, two, second = map(int, match.groups()[:4])
    else:
        first, one, second, two = map(int, match.groups()[4:])
    return (Fraction(one, 100) * first + Fraction(two, 100) * second) / (first + second)


@reads("水を加え|水で薄め|水を何g")
def watered(_: re.Match[str], text: str) -> Answer:
    percent, after = numbers(r"(\d+)%", text)
    (grams,) = numbers(r"(\d+)g", text)
    salt = Fraction(grams * percent, 100)
    return salt / Fraction(after, 100) - grams


@reads(r"(\d+)時間.*?(\d+)時間.*2人")
def together(match: re.Match[str], text: str) -> Answer | None:
    if re.search("午[前後]", text):
        return None
    return 1 / (Fraction(1, int(match[1])) + Fraction(1, int(match[2])))


@reads(rf"{DECIMAL}m/s²")
def accelerated(match: re.Match[str], text: str) -> Answer:
    (start,), (seconds,) = numbers(r"(\d+)m/s(?!²)(?:で|、)", text), numbers(r"(\d+)秒", text)
    return start + Fraction(match[1]) * seconds


@reads(rf"{DECIMAL}A")
def voltage(match: re.Match[str], text: str) -> Answer:
    return sum(numbers(r"(\d+)Ω", text)) * Fraction(match[1])


@reads(rf"{DECIMAL}g/cm³")
def mass(match: re.Match[str], text: str) -> Answer:
    (volume,) = numbers(r"(?<![/\d])(\d+)cm³", text)
    return volume * Fraction(match[1])


@reads(rf"{DECIMAL}N")
def pressure(match: re.Match[str], text: str) -> Answer:
    (square_meters,) = re.findall(rf"{DECIMAL}m²", text)
    return Fraction(match[1]) / Fraction(square_meters)
