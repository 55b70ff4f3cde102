"""Lengths, areas, volumes and angles: from rectangles to circles and solids, and to trigonometry and vectors."""

from fractions import Fraction

from tanuki_jax.corpus.tasks.answer_values import show
from tanuki_jax.corpus.tasks.coordinates import COORDINATES
from tanuki_jax.corpus.tasks.responses import Root
from tanuki_jax.corpus.tasks.word_problems import Draw, Kind, WordProblems, between, crossed, pick

_TRIPLES = (
    (3, 4, 5),
    (5, 12, 13),
    (8, 15, 17),
    (7, 24, 25),
    (20, 21, 29),
    (9, 40, 41),
    (12, 35, 37),
    (4, 3, 5),
    (12, 5, 13),
)


def times_pi(factor: Fraction | int) -> Root:
    """Return a multiple of π."""
    return Root(Fraction(factor), 0)


def _circle_length(draw: Draw) -> tuple[int]:
    return (between(draw, 2, 150),)


def _angles(draw: Draw) -> tuple[int, int]:
    first = between(draw, 15, 110)
    return first, between(draw, 15, 165 - first)


def _right_triangle(draw: Draw) -> tuple[int, int, int]:
    a, b, c = pick(draw, _TRIPLES)
    times = between(draw, 1, 120 // c)
    return a * times, b * times, c * times


def _sector(draw: Draw) -> tuple[int, int]:
    return between(draw, 2, 60), pick(
        draw, (30, 36, 40, 45, 60, 72, 80, 90, 100, 108, 120, 135, 144, 150, 160, 200, 210, 240, 270)
    )


def _similar(draw: Draw) -> tuple[int, int, int]:
    small, large = between(draw, 2, 9), between(draw, 10, 30)
    times = between(draw, 2, 15)
    return small, large, small * times


_FIELDS = (
    "縦{0}m、横{1}mの長方形の{field}があります。",
    "{name}の家の近くに、縦が{0}m、横が{1}mの長方形の{field}があります。",
    "{town}に、縦{0}m、横{1}mの長方形の形をした{field}があります。",
)


_BOXES = (
    "縦{0}cm、横{1}cm、高さ{2}cmの直方体があります。",
    "{name}は、縦{0}cm、横{1}cm、高さ{2}cmの直方体の箱を作りました。",
    "{item}を入れる箱は、縦{0}cm、横{1}cm、高さ{2}cmの直方体です。",
)

_KINDS: tuple[Kind, ...] = (
    Kind(
        name="area_of_rectangle",
        level="elementary",
        wordings=crossed(
            _FIELDS, ("この{field}の面積は何m²ですか。", "面積を求めてください。", "広さは何m²になりますか。")
        ),
        draw=lambda draw: (between(draw, 4, 150), between(draw, 4, 150)),
        solve=lambda a, b: a * b,
        explain=lambda a, b: f"長方形の面積は、縦×横で求めます。{a}×{b}={a * b}です。",
        unit="m²",
        share=0.7,
    ),
    Kind(
        name="around_rectangle",
        level="elementary",
        wordings=crossed(_FIELDS, ("この{field}のまわりの長さは何mですか。", "まわりを1周すると何mになりますか。")),
        draw=lambda draw: (between(draw, 4, 150), between(draw, 4, 150)),
        solve=lambda a, b: 2 * (a + b),
        explain=lambda a, b: f"まわりの長さは、(縦+横)×2で求めます。({a}+{b})×2={2 * (a + b)}です。",
        unit="m",
        share=0.7,
    ),
    Kind(
        name="side_of_rectangle",
        level="elementary",
        wordings=crossed(
            (
                "面積が{0}m²で、縦が{1}mの長方形の{field}があります。",
                "{name}は、面積{0}m²、縦{1}mの長方形の{field}を調べています。",
            ),
            ("横の長さは何mですか。", "横の長さを求めてください。"),
        ),
        draw=lambda draw: ((side := between(draw, 3, 60)) * between(draw, 3, 90), side),
        solve=lambda area, side: area // side,
        explain=lambda area, side: f"横の長さは、面積÷縦で求めます。{area}÷{side}={area // side}です。",
        unit="m",
        share=0.5,
    ),
    Kind(
        name="volume_of_box",
        level="elementary",
        wordings=crossed(_BOXES, ("体積は何cm³ですか。", "体積を求めてください。")),
        draw=lambda draw: (between(draw, 3, 60), between(draw, 3, 60), between(draw, 3, 60)),
        solve=lambda a, b, c: a * b * c,
        explain=lambda a, b, c: f"直方体の体積は、縦×横×高さで求めます。{a}×{b}×{c}={a * b * c}です。",
        unit="cm³",
        share=0.7,
    ),
    Kind(
        name="third_angle",
        level="elementary",
        wordings=crossed(
            (
                "{name}がかいた三角形の2つの角は、{0}°と{1}°です。",
                "{name}のノートに三角形がかいてあります。1つの角は{0}°、もう1つの角は{1}°です。",
            ),
            ("残りの角の大きさは何度ですか。", "残りの1つの角は何度ですか。"),
        ),
        draw=_angles,
        solve=lambda a, b: 180 - a - b,
        explain=lambda a, b: f"三角形の3つの角の和は180°です。180-{a}-{b}={180 - a - b}です。",
        unit="°",
        share=0.25,
    ),
    Kind(
        name="circle_with_decimals",
        level="elementary",
        wordings=crossed(
            (
                "{town}に直径{0}mの円の形をした{field}があります。",
                "{name}は、直径が{0}mの円の形をした{field}のまわりを歩きました。",
            ),
            (
                "まわりの長さは何mですか。円周率は3.14とします。",
                "円周率を3.14として、円周の長さを求めてください。",
            ),
        ),
        draw=_circle_length,
        solve=lambda d: Fraction(314 * d, 100),
        explain=lambda d: (
            f"円周は、直径×円周率で求めます。{d}×3.14={show(Fraction(314 * d, 100), decimals=True)}です。"
        ),
        unit="m",
        decimals=True,
        share=0.4,
    ),
    Kind(
        name="area_of_sector",
        level="middle",
        wordings=crossed(
            (
                "{name}と{other}は、紙で半径{0}cm、中心角{1}°のおうぎ形を作りました。",
                "{name}が{other}のノートにかいたおうぎ形の半径は{0}cm、中心角は{1}°である。",
            ),
            ("このおうぎ形の面積を求めなさい。ただし、円周率はπとする。", "円周率をπとして、面積を答えなさい。"),
        ),
        draw=_sector,
        solve=lambda r, angle: times_pi(Fraction(r * r * angle, 360)),
        explain=lambda r, angle: f"面積は、π×{r}^2×{angle}/360={times_pi(Fraction(r * r * angle, 360))}です。",
        unit="cm²",
        share=0.35,
    ),
    Kind(
        name="arc_of_sector",
        level="middle",
        wordings=crossed(
            (
                "{name}と{other}は、紙で半径{0}cm、中心角{1}°のおうぎ形を作りました。",
                "{name}が{other}のノートにかいたおうぎ形の半径は{0}cm、中心角は{1}°である。",
            ),
            ("弧の長さを求めなさい。ただし、円周率はπとする。", "円周率をπとして、弧の長さを答えなさい。"),
        ),
        draw=_sector,
        solve=lambda r, angle: times_pi(Fraction(2 * r * angle, 360)),
        explain=lambda r, angle: f"弧の長さは、2π×{r}×{angle}/360={times_pi(Fraction(2 * r * angle, 360))}です。",
        unit="cm",
        share=0.35,
    ),
    Kind(
        name="volume_of_solid",
        level="middle",
        wordings=crossed(
            (
                "{name}と{other}は、粘土で底面の半径{0}cm、高さ{1}cmの{2}を作りました。",
                "{town}の{event}の飾りに、底面の半径{0}cm、高さ{1}cmの{2}を使います。",
            ),
            (
                "この{2}の体積を求めなさい。円周率はπとする。",
                "円周率をπとして、{2}の体積を答えなさい。",
                "体積は何cm³ですか。円周率はπを使いなさい。",
            ),
        ),
        draw=lambda draw: (between(draw, 2, 20), between(draw, 3, 40), pick(draw, ("円柱", "円すい"))),
        solve=lambda r, h, solid: times_pi(Fraction(r * r * h, 1 if solid == "円柱" else 3)),
        explain=lambda r, h, solid: (
            f"底面積はπ×{r}^2={r * r}πです。"
            + (f"円柱の体積は底面積×高さなので、{r * r}π×{h}={r * r * h}πです。" if solid == "円柱" else "")
            + (
                f"円すいの体積は底面積×高さ÷3なので、{r * r}π×{h}÷3={times_pi(Fraction(r * r * h, 3))}です。"
                if solid != "円柱"
                else ""
            )
        ),
        unit="cm³",
        share=0.6,
    ),
    Kind(
        name="angles_of_polygon",
        level="middle",
        wordings=(
            "{name}は、{other}がかいた正{0}角形を見ています。内角の和は何度ですか。",
            "{name}と{other}は{0}角形の内角の和を考えています。和は何度になりますか。",
            "{name}と{other}は{0}角形を対角線で三角形に分けた。このことを使って、内角の和を求めなさい。",
            "{town}の{field}は、上から見ると{0}角形である。その内角の和を求めなさい。",
        ),
        draw=lambda draw: (between(draw, 5, 30),),
        solve=lambda n: 180 * (n - 2),
        explain=lambda n: f"{n}角形は{n - 2}個の三角形に分けられます。180×{n - 2}={180 * (n - 2)}です。",
        unit="°",
        share=0.12,
    ),
    Kind(
        name="hypotenuse",
        level="middle",
        wordings=crossed(
            ("{name}と{other}は、直角をはさむ2辺が{0}cmと{1}cmの直角三角形を紙で作りました。",),
            ("斜辺の長さを求めなさい。", "いちばん長い辺は何cmですか。"),
        )
        + crossed(
            ("{name}が{town}の地図で調べると、出発点から東へ{0}cm、そこから北へ{1}cm進んだところに{route}があった。",),
            ("地図の上で、出発点から{route}までの直線距離は何cmか。", "出発点と{route}を結ぶ線分の長さを求めなさい。"),
        ),
        draw=_right_triangle,
        solve=lambda a, b, c: c,
        explain=lambda a, b, c: (
            f"三平方の定理より、{a}^2+{b}^2={a * a}+{b * b}={c * c}です。{c}^2={c * c}なので、求める長さは{c}です。"
        ),
        unit="cm",
        share=0.3,
    ),
    Kind(
        name="leg_of_right_triangle",
        level="middle",
        wordings=(
            "{name}が{other}のためにかいた直角三角形の斜辺は{2}cm、ほかの1辺は{0}cmです。残りの辺の長さを求めなさい。",
            "{name}は{town}の{field}で凧を上げた。"
            "まっすぐに張った糸の長さは{2}mで、凧の真下の地点は{name}から{0}m離れている。"
            "凧の高さは何mか。ただし、{name}の身長は考えない。",
            "{name}と{other}が、地面に垂直な塔の先から長さ{2}mのロープをまっすぐ張ると、"
            "ロープの端は塔の根元から{0}m離れた地面に届いた。"
            "塔の高さは何mか。",
        ),
        draw=_right_triangle,
        solve=lambda a, b, c: b,
        explain=lambda a, b, c: (
            f"求める長さをxとすると、三平方の定理より、x^2={c}^2-{a}^2={c * c}-{a * a}={b * b}です。"
            f"x>0なので、x={b}です。"
        ),
        share=0.25,
    ),
    Kind(
        name="similar_triangles",
        level="middle",
        wordings=(
            "{name}と{other}がかいた三角形ABCと三角形DEFは相似で、対応する辺AB={0}cm、DE={1}cmです。"
            "BC={2}cmのとき、EFの長さを求めなさい。",
            "相似な2つの三角形について、{name}と{other}が対応する辺を測ると{0}cmと{1}cmだった。"
            "小さいほうの別の辺が{2}cmのとき、それに対応する大きいほうの辺は何cmか。",
            "{name}は、{other}がかいた図形を相似比{0}:{1}で拡大しました。"
            "もとの図形で{2}cmの辺は、拡大した図形では何cmになりますか。",
            "{name}と{other}の作った三角形は相似で、相似比は{0}:{1}である。"
            "{name}の三角形の1辺が{2}cmのとき、対応する{other}の三角形の辺の長さを求めなさい。",
        ),
        draw=_similar,
        solve=lambda small, large, side: side // small * large,
        explain=lambda small, large, side: (
            f"対応する辺の比は等しいので、求める長さをxcmとすると、{small}:{large}={side}:xです。"
            f"{small}x={large}×{side}={large * side}なので、x={side // small * large}です。"
        ),
        unit="cm",
        share=0.5,
    ),
)
GEOMETRY = WordProblems("geometry", (*_KINDS, *COORDINATES))
"""Rectangles and circles at the elementary school, solids at the middle school, trigonometry at the high school."""
