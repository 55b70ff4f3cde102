"""Trigonometry, coordinates and vectors."""

import math
from fractions import Fraction

from tanuki_jax.corpus.tasks.answer_values import Point, Value, show
from tanuki_jax.corpus.tasks.responses import Root
from tanuki_jax.corpus.tasks.word_problems import Draw, Kind, between, pick


def root_of(number: int, factor: Fraction | int = 1) -> Value:
    """Return a multiple of a square root with the smallest number under the root; a plain number, if it is a square."""
    outside, inside = 1, number
    for divisor in range(math.isqrt(number), 1, -1):
        if number % (divisor * divisor) == 0:
            outside, inside = divisor, number // (divisor * divisor)
            break
    return Fraction(factor) * outside if inside == 1 else Root(Fraction(factor) * outside, inside)


def _cosine(draw: Draw) -> tuple[int, int, int]:
    return between(draw, 2, 99), between(draw, 2, 99), pick(draw, (60, 120))


def _third_side(b: int, c: int, angle: int) -> Value:
    return root_of(b * b + c * c + (-b * c if angle == 60 else b * c))


def _explain_cosine(b: int, c: int, angle: int) -> str:
    square = b * b + c * c + (-b * c if angle == 60 else b * c)
    cosine = "1/2" if angle == 60 else "(-1/2)"
    return (
        f"余弦定理より、BC^2={b}^2+{c}^2-2×{b}×{c}×cos{angle}°={b * b}+{c * c}-2×{b}×{c}×{cosine}={square}です。"
        f"BC>0なので、BC={show(_third_side(b, c, angle))}です。"
    )


def _area_with_sine(draw: Draw) -> tuple[int, int, int]:
    return between(draw, 2, 99), between(draw, 2, 99), pick(draw, (30, 45, 60, 120, 135, 150))


def _sine_area(b: int, c: int, angle: int) -> Value:
    radicand = {30: 1, 150: 1, 45: 2, 135: 2, 60: 3, 120: 3}[angle]
    return root_of(radicand, Fraction(b * c, 4))


def _explain_sine_area(b: int, c: int, angle: int) -> str:
    sine = {30: "1/2", 150: "1/2", 45: "√2/2", 135: "√2/2", 60: "√3/2", 120: "√3/2"}[angle]
    return f"面積は1/2×{b}×{c}×sin{angle}°=1/2×{b}×{c}×{sine}={show(_sine_area(b, c, angle))}です。"


def _coordinates(draw: Draw) -> tuple[int, int, int, int]:
    x, y = between(draw, -12, 12), between(draw, -12, 12)
    return x, y, x + (between(draw, -15, 15) or 6), y + (between(draw, -15, 15) or -8)


def _distance(x: int, y: int, u: int, v: int) -> Value:
    return root_of((u - x) ** 2 + (v - y) ** 2)


def _circle(draw: Draw) -> tuple[int, int, int]:
    return between(draw, -25, 25) or 3, between(draw, -25, 25) or -2, between(draw, 1, 30)


def _show_circle(x: int, y: int, r: int) -> tuple[str]:
    return (f"x^2+y^2{-2 * x:+d}x{-2 * y:+d}y{_constant(x * x + y * y - r * r)}",)


def _constant(number: int) -> str:
    return f"{number:+d}" if number else ""


def _in_brackets(number: int) -> str:
    return f"({number})" if number < 0 else str(number)


COORDINATES: tuple[Kind, ...] = (
    Kind(
        name="cosine_rule",
        level="high",
        wordings=(
            "三角形ABCにおいて、AB={0}、AC={1}、∠A={2}°のとき、BCの長さを求めよ。",
            "AB={0}、AC={1}、∠BAC={2}°である三角形ABCについて、辺BCの長さはいくらか。",
            "{name}がかいた三角形ABCでは、AB={0}、AC={1}、∠A={2}°である。余弦定理を使って辺BCの長さを求めなさい。",
            "{name}は地点Aから{0}km先の地点Bと{1}km先の地点Cを見た。∠BACが{2}°のとき、BとCの間の距離は何kmか。",
        ),
        draw=_cosine,
        solve=_third_side,
        explain=_explain_cosine,
        share=0.2,
    ),
    Kind(
        name="area_with_sine",
        level="high",
        wordings=(
            "AB={0}、AC={1}、∠A={2}°である三角形ABCの面積を求めよ。",
            "三角形ABCにおいて、AB={0}、AC={1}、∠BAC={2}°とする。この三角形の面積はいくらか。",
            "{name}がかいた三角形の2辺は{0}と{1}で、その間の角は{2}°である。面積を求めなさい。",
            "{town}の三角形の土地は、2辺が{0}と{1}、その間の角が{2}°であるとする。面積を求めよ。",
        ),
        draw=_area_with_sine,
        solve=_sine_area,
        explain=_explain_sine_area,
        share=0.25,
    ),
    Kind(
        name="distance_of_points",
        level="high",
        wordings=(
            "2点A({0}, {1})、B({2}, {3})の間の距離を求めよ。",
            "座標平面上の2点P({0}, {1})とQ({2}, {3})を結ぶ線分PQの長さを求めなさい。",
            "{name}は座標平面に点({0}, {1})と点({2}, {3})をとった。2点間の距離はいくらか。",
            "{name}がかいた地図では、{route}が({0}, {1})、別の建物が({2}, {3})にある。2つの直線距離を求めよ。",
        ),
        draw=_coordinates,
        solve=_distance,
        explain=lambda x, y, u, v: (
            f"座標の差は{u - x}と{v - y}なので、距離の2乗は{(u - x) ** 2}+{(v - y) ** 2}="
            f"{(u - x) ** 2 + (v - y) ** 2}です。"
            f"距離は{show(_distance(x, y, u, v))}です。"
        ),
        share=0.7,
    ),
    Kind(
        name="dot_product",
        level="high",
        wordings=(
            "ベクトルa=({0}, {1})、b=({2}, {3})の内積を求めよ。",
            "2つのベクトルa=({0}, {1})とb=({2}, {3})について、内積a・bの値はいくらか。",
            "{name}が2つのベクトル({0}, {1})と({2}, {3})の内積を計算している。正しい値を答えよ。",
            "平面上のベクトルp=({0}, {1})、q=({2}, {3})に対して、内積p・qを計算しなさい。",
        ),
        draw=lambda draw: (
            between(draw, -30, 30),
            between(draw, -30, 30),
            between(draw, -30, 30),
            between(draw, -30, 30),
        ),
        solve=lambda a, b, c, d: a * c + b * d,
        explain=lambda a, b, c, d: (
            f"内積は成分どうしの積の和です。{a}×{_in_brackets(c)}+{_in_brackets(b)}×{_in_brackets(d)}"
            f"={a * c}+{_in_brackets(b * d)}={a * c + b * d}です。"
        ),
    ),
    Kind(
        name="radius_of_circle",
        level="high",
        wordings=(
            "円{0}=0の半径を求めよ。",
            "方程式{0}=0が表す円の半径はいくらか。",
            "{name}は方程式{0}=0で表される円をかいた。この円の半径を求めなさい。",
            "座標平面上の円Cの方程式は{0}=0である。Cの半径を答えよ。",
        ),
        draw=_circle,
        shown=_show_circle,
        solve=lambda x, y, r: r,
        explain=lambda x, y, r: (
            f"平方完成すると、(x{-x:+d})^2+(y{-y:+d})^2={r * r}です。右辺は半径の2乗で、{r}^2={r * r}です。"
        ),
        share=0.17,
    ),
    Kind(
        name="midpoint_ratio",
        level="high",
        wordings=(
            "2点A({0}, {1})、B({2}, {3})を結ぶ線分ABの中点の座標を求めよ。",
            "座標平面上に2点({0}, {1})、({2}, {3})がある。この2点を結ぶ線分の中点はどこか。座標で答えよ。",
            "{name}は、点({0}, {1})と点({2}, {3})のちょうど真ん中の点を求めたい。その座標を答えなさい。",
            "線分PQの両端は、P({0}, {1})、Q({2}, {3})である。PQの中点の座標を求めなさい。",
        ),
        draw=lambda draw: (
            between(draw, -40, 40),
            between(draw, -40, 40),
            between(draw, -40, 40),
            between(draw, -40, 40),
        ),
        solve=lambda x, y, u, v: Point(Fraction(x + u, 2), Fraction(y + v, 2)),
        explain=lambda x, y, u, v: (
            f"中点の座標は両端の平均です。x座標は({x}+{_in_brackets(u)})÷2={show(Fraction(x + u, 2))}、"
            f"y座標は({y}+{_in_brackets(v)})÷2={show(Fraction(y + v, 2))}です。"
        ),
    ),
)
"""Kinds of problems about angles, points and vectors of the high school."""
