"""Solutions, work, and quantities of physics."""

from fractions import Fraction

from tanuki_jax.corpus.tasks.answer_values import show
from tanuki_jax.corpus.tasks.word_problems import Draw, Kind, between, crossed, pick


def _salt(draw: Draw) -> tuple[int, int]:
    return between(draw, 10, 900), between(draw, 1, 30)


def _mixing(draw: Draw) -> tuple[int, int, int, int]:
    first, second = pick(
        draw,
        ((100, 300), (200, 300), (300, 200), (150, 350), (400, 100), (120, 280), (250, 150), (320, 80), (360, 140)),
    )
    low = between(draw, 1, 20)
    return first, low, second, low + between(draw, 1, 20)


def _mixed(first: int, low: int, second: int, high: int) -> Fraction:
    return Fraction(first * low + second * high, (first + second) * 100)


def _explain_mixing(first: int, low: int, second: int, high: int) -> str:
    one, two = Fraction(first * low, 100), Fraction(second * high, 100)
    return (
        f"溶けている量は{first}×{low}/100={show(one, decimals=True)}(g)と{second}×{high}/100="
        f"{show(two, decimals=True)}(g)で、"
        f"合わせて{show(one + two, decimals=True)}gです。全体は{first + second}gなので、"
        f"{show(one + two, decimals=True)}÷{first + second}×100="
        f"{show(_mixed(first, low, second, high) * 100, decimals=True)}(%)です。"
    )


def _evaporation(draw: Draw) -> tuple[int, int, int]:
    """Draw grams of a solution, its percentage, and the percentage after water was added."""
    percent, after = pick(
        draw, ((6, 4), (8, 5), (10, 8), (12, 8), (15, 10), (20, 16), (20, 8), (9, 6), (5, 4), (16, 10), (18, 12))
    )
    return after * between(draw, 5, 150), percent, after


def _work_together(draw: Draw) -> tuple[int, int]:
    return pick(
        draw,
        (
            (3, 6),
            (4, 12),
            (6, 12),
            (10, 15),
            (12, 24),
            (20, 30),
            (6, 30),
            (15, 30),
            (20, 5),
            (12, 36),
            (18, 9),
            (30, 45),
            (40, 60),
            (21, 42),
            (24, 8),
            (28, 21),
            (36, 45),
            (35, 14),
            (10, 40),
            (50, 75),
        ),
    )


QUANTITIES: tuple[Kind, ...] = (
    Kind(
        name="salt_in_water",
        level="middle",
        wordings=crossed(
            (
                "{name}は濃度{1}%の{liquid}を{0}g作りました。",
                "{name}の目の前に、{1}%の{liquid}が{0}gあります。",
                "理科の実験で、{name}は濃度{1}%の{liquid}{0}gを使いました。",
            ),
            ("溶けている物質は何gですか。", "水に溶けているものの重さを求めなさい。"),
        ),
        draw=_salt,
        solve=lambda grams, percent: Fraction(grams * percent, 100),
        explain=lambda grams, percent: (
            "溶けている重さは、全体×濃度で求めます。"
            f"{grams}×{percent}/100={show(Fraction(grams * percent, 100), decimals=True)}です。"
        ),
        unit="g",
        decimals=True,
        share=0.6,
    ),
    Kind(
        name="mix_solutions",
        level="high",
        wordings=crossed(
            (
                "{name}は、{1}%の{liquid}{0}gに{3}%の{liquid}{2}gを加えてよくかき混ぜた。",
                "{name}が理科室で、{0}gの{1}%{liquid}と{2}gの{3}%{liquid}を1つの容器に入れた。",
            ),
            ("できた{liquid}の濃度は何%か。", "混ぜた後の濃度を求めよ。", "濃度は何%になりますか。"),
        ),
        draw=_mixing,
        solve=_mixed,
        explain=_explain_mixing,
        unit="%",
        decimals=True,
        share=0.7,
    ),
    Kind(
        name="add_water",
        level="high",
        wordings=(
            "{name}は濃度{1}%の{liquid}{0}gに水を加えて、濃度を{2}%にしたい。加える水は何gか。",
            "{1}%の{liquid}が{0}gある。{name}がこれに水を加えて{2}%にするには、何gの水を加えればよいか。",
            "化学の実験で、{name}は{1}%の{liquid}{0}gを水で薄めて{2}%にする。必要な水の重さを求めよ。",
            "{name}と{other}は、{0}gの{1}%{liquid}を{2}%に薄めようとしている。水を何g加えればよいか。",
        ),
        draw=_evaporation,
        solve=lambda grams, percent, after: grams * percent // after - grams,
        explain=lambda grams, percent, after: (
            f"溶けている量は変わらないので、加える水をxgとすると、{grams}×{percent}/100=({grams}+x)×{after}/100です。"
            f"{grams}+x={grams * percent // after}より、x={grams * percent // after - grams}です。"
        ),
        unit="g",
        share=0.5,
    ),
    Kind(
        name="work_together",
        level="high",
        wordings=(
            "{work}を{name}が1人ですると{0}時間、{other}が1人ですると{1}時間かかる。2人ですると何時間かかるか。",
            "{name}は{work}を{0}時間で、{other}は{1}時間で終えられる。2人で協力すると何時間で終わるか。",
            "ある仕事を、{name}だけでは{0}時間、{other}だけでは{1}時間で終える。2人が一緒に働くと何時間で終わるか。",
            "{work}にかかる時間は、{name}1人なら{0}時間、{other}1人なら{1}時間である。"
            "2人が同時に始めると何時間で終わるか。",
        ),
        draw=_work_together,
        solve=lambda a, b: Fraction(a * b, a + b),
        explain=lambda a, b: (
            f"全体の仕事量を1とすると、2人合わせて単位時間に1/{a}+1/{b}={show(Fraction(a + b, a * b))}だけ進みます。"
            f"1÷({show(Fraction(a + b, a * b))})={show(Fraction(a * b, a + b))}です。"
        ),
        unit="時間",
        share=0.3,
    ),
    Kind(
        name="accelerated",
        level="high",
        wordings=(
            "初速度{0}m/sで動く{vehicle}が、{1}m/s²の一定の加速度で{2}秒間加速した。速度は何m/sになったか。",
            "{name}の乗った{vehicle}は{0}m/sで走っていたが、一定の加速度{1}m/s²で{2}秒間加速した。"
            "加速後の速さを求めよ。",
            "等加速度直線運動をする台車の初速度は{0}m/s、加速度は{1}m/s²である。"
            "{name}が測定を始めてから{2}秒後の速度はいくらか。",
        ),
        draw=lambda draw: (between(draw, 1, 30), Fraction(between(draw, 20, 200), 100), between(draw, 2, 15)),
        shown=lambda v, a, t: (v, show(a, decimals=True), t),
        solve=lambda v, a, t: v + a * t,
        explain=lambda v, a, t: f"v=v0+atより、{v}+{show(a, decimals=True)}×{t}={show(v + a * t, decimals=True)}です。",
        unit="m/s",
        decimals=True,
        share=0.8,
    ),
    Kind(
        name="ohms_law",
        level="high",
        wordings=(
            "{0}Ωの抵抗と{1}Ωの抵抗を直列につなぎ、{2}Aの電流を流す。全体にかかる電圧は何Vか。",
            "{name}は{0}Ωと{1}Ωの抵抗を直列につないだ回路に、{2}Aの電流を流した。電源の電圧を求めよ。",
            "{name}と{other}が作った直列回路には、{0}Ωの抵抗と{1}Ωの抵抗がある。電流が{2}Aのとき、電源の電圧は何Vか。",
            "直列に接続された{0}Ωと{1}Ωの抵抗に{2}Aの電流が流れている。{name}が両端の電圧を測ると何Vになるか。",
        ),
        draw=lambda draw: (between(draw, 2, 90), between(draw, 2, 90), Fraction(between(draw, 1, 50), 10)),
        shown=lambda a, b, current: (a, b, show(current, decimals=True)),
        solve=lambda a, b, current: (a + b) * current,
        explain=lambda a, b, current: (
            f"合成抵抗は{a}+{b}={a + b}(Ω)です。オームの法則より、"
            f"{a + b}×{show(current, decimals=True)}={show((a + b) * current, decimals=True)}です。"
        ),
        unit="V",
        decimals=True,
    ),
    Kind(
        name="density",
        level="high",
        wordings=(
            "密度{0}g/cm³の物質が{1}cm³ある。質量は何gか。",
            "{name}は密度が{0}g/cm³の金属{1}cm³の質量を計算している。正しい値を求めよ。",
            "体積{1}cm³の物体の密度は{0}g/cm³である。{name}がはかりにのせると何gを示すか。",
            "{town}の資料館にある金属の塊は、密度{0}g/cm³、体積{1}cm³である。質量を求めよ。",
        ),
        draw=lambda draw: (Fraction(between(draw, 11, 199), 10), between(draw, 5, 300)),
        shown=lambda density, volume: (show(density, decimals=True), volume),
        solve=lambda density, volume: density * volume,
        explain=lambda density, volume: (
            f"質量は、密度×体積で求めます。{show(density, decimals=True)}×{volume}="
            f"{show(density * volume, decimals=True)}です。"
        ),
        unit="g",
        decimals=True,
        share=0.5,
    ),
    Kind(
        name="pressure",
        level="high",
        wordings=(
            "面積{1}m²の面に{0}Nの力が垂直に加わるとき、圧力は何Paか。",
            "{name}は、底面積{1}m²、重さ{0}Nの箱を床に置いた。床が受ける圧力を求めよ。",
            "{town}の工事現場に、接地面積{1}m²で重さ{0}Nの機械が置かれている。地面が受ける圧力は何Paか。",
        ),
        draw=lambda draw: ((area := Fraction(between(draw, 1, 50), 10)) * between(draw, 50, 2000), area),
        shown=lambda force, area: (show(force, decimals=True), show(area, decimals=True)),
        solve=lambda force, area: force / area,
        explain=lambda force, area: (
            f"圧力は、力÷面積で求めます。{show(force, decimals=True)}÷{show(area, decimals=True)}="
            f"{show(force / area, decimals=True)}です。"
        ),
        unit="Pa",
        decimals=True,
        share=0.3,
    ),
)
"""Kinds of problems about solutions and physics."""
