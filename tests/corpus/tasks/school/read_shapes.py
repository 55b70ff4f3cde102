"""Readers of geometry."""

import math
import re
from fractions import Fraction

from tests.corpus.tasks.school.reading import Answer, Squared, TimesPi, numbers, reads

SINE_SQUARED = {30: Fraction(1, 4), 45: Fraction(1, 2), 60: Fraction(3, 4)}


@reads(r"面積が?(\d+)m²(?:で|)、縦が?(\d+)m")
def other_side(match: re.Match[str], _: str) -> Answer:
    return Fraction(int(match[1]), int(match[2]))


@reads(r"縦(\d+)cm、横(\d+)cm、高さ(\d+)cm")
def box(match: re.Match[str], _: str) -> Answer:
    return Fraction(math.prod(map(int, match.groups())))


@reads(r"縦が?(\d+)m、横が?(\d+)m")
def rectangle(match: re.Match[str], text: str) -> Answer:
    a, b = map(int, match.groups())
    return Fraction(a + b + a + b) if "まわり" in text else Fraction(a * b)


@reads("残りの角|残りの1つの角")
def third_angle(_: re.Match[str], text: str) -> Answer:
    first, second = numbers(r"(\d+)°", text)
    return Fraction(180 - first - second)


@reads(r"直径が?(\d+)m")
def circle(match: re.Match[str], _: str) -> Answer:
    return int(match[1]) * Fraction("3.14")


@reads(r"半径は?(\d+)cm、中心角は?(\d+)°")
def sector(match: re.Match[str], text: str) -> Answer:
    radius, angle = map(int, match.groups())
    part = Fraction(angle, 360)
    return TimesPi(2 * radius * part) if "弧の長さ" in text else TimesPi(radius * radius * part)


@reads(r"半径が?(\d+)cm、高さが?(\d+)cmの(円柱|円すい)")
def solid(match: re.Match[str], _: str) -> Answer:
    volume = Fraction(int(match[1]) ** 2 * int(match[2]))
    return TimesPi(volume / 3 if match[3] == "円すい" else volume)


@reads(r"(\d+)角形.*内角の和|(\d+)角形.*和は何度")
def polygon(match: re.Match[str], _: str) -> Answer:
    corners = int(match[1] or match[2])
    return Fraction(corners * 180 - 360)


@reads(r"2辺が(\d+)cmと(\d+)cmの直角三角形|東へ(\d+)cm、そこから北へ(\d+)cm")
def hypotenuse(match: re.Match[str], _: str) -> Answer:
    a, b = (int(group) for group in match.groups() if group)
    return Fraction(math.isqrt(a * a + b * b)) if math.isqrt(a * a + b * b) ** 2 == a * a + b * b else None  # type: ignore[return-value]


@reads(r"斜辺は(\d+)cm、ほかの1辺は(\d+)cm|糸の長さは(\d+)mで.*?から(\d+)m|長さ(\d+)mのロープ.*?から(\d+)m")
def leg(match: re.Match[str], _: str) -> Answer:
    longest, side = (int(group) for group in match.groups() if group)
    (found,) = [x for x in range(1, longest) if x * x + side * side == longest * longest]
    return Fraction(found)


@reads(r"AB=(\d+)cm、DE=(\d+)cmです。BC=(\d+)cm|測ると(\d+)cmと(\d+)cm.*?辺が(\d+)cm|相似比は?(\d+):(\d+).*?(\d+)cm")
def similar(match: re.Match[str], _: str) -> Answer:
    small, large, side = (int(group) for group in match.groups() if group)
    return Fraction(side * large, small)


@reads(
    r"AB=(\d+)、AC=(\d+)、∠(?:BAC|A)=(\d+)°|から(\d+)km先.*?と(\d+)km先.*?(\d+)°|2辺[はが"
    r"](\d+)と(\d+)(?:で|)、その間の角[はが](\d+)°"
)
def triangle(match: re.Match[str], text: str) -> Answer:
    b, c, angle = (int(group) for group in match.groups() if group)
    acute = min(angle, 180 - angle)
    if "面積" in text:
        return Squared(Fraction(b * c, 2) ** 2 * SINE_SQUARED[acute])
    assert acute == 60
    return Squared(Fraction(b * b + c * c - (b * c if angle == 60 else -b * c)))


@reads(r"\((-?\d+), (-?\d+)\).*?\((-?\d+), (-?\d+)\)")
def two_points(match: re.Match[str], text: str) -> Answer | None:
    x, y, u, v = map(int, match.groups())
    if "内積" in text:
        return Fraction(x * u + y * v)
    if "中点" in text or "真ん中" in text:
        return Fraction(x + u, 2), Fraction(y + v, 2)
    return Squared(Fraction((x - u) ** 2 + (y - v) ** 2)) if re.search("距離|長さ", text) else None


@reads(r"x\^2\+y\^2([+-]\d+)x([+-]\d+)y([+-]\d+)?=0.*半径")
def radius(match: re.Match[str], _: str) -> Answer:
    x, y, constant = (int(group or 0) for group in match.groups())
    return Squared(Fraction(x * x + y * y, 4) - constant)
