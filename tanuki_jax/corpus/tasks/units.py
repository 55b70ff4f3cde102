"""Units: conversions, speed and rates, then concentration, density and quantities of physics."""

from fractions import Fraction

from tanuki_jax.corpus.tasks.answer_values import Span, show
from tanuki_jax.corpus.tasks.quantities import QUANTITIES
from tanuki_jax.corpus.tasks.word_problems import Draw, Kind, WordProblems, between, crossed, pick

_LARGE_SMALL = (
    ("m", "cm", 100, 2, 60),
    ("km", "m", 1000, 2, 40),
    ("kg", "g", 1000, 2, 40),
    ("L", "mL", 1000, 2, 30),
    ("cm", "mm", 10, 3, 90),
    ("t", "kg", 1000, 2, 20),
)
"""Larger unit, smaller unit, smaller units in a larger one, and the least and most of the larger one."""


_CONVERSIONS = {(large, small): factor for large, small, factor, _, _ in _LARGE_SMALL}


_AREAS = (("m²", "cm²", 10_000), ("km²", "m²", 1_000_000), ("ha", "m²", 10_000), ("a", "m²", 100))


_AREA_FACTORS = {(large, small): factor for large, small, factor in _AREAS}


def _compound(draw: Draw) -> tuple[int, str, int, str]:
    large, small, factor, low, high = pick(draw, _LARGE_SMALL)
    return between(draw, low, high), large, between(draw, 1, factor - 1), small


def _explain_compound(a: int, large: str, b: int, small: str) -> str:
    factor = _CONVERSIONS[large, small]
    return (
        f"1{large}は{factor}{small}なので、{a}{large}は{a * factor}{small}です。{a * factor}+{b}={a * factor + b}です。"
    )


def _decimal_amount(draw: Draw) -> tuple[Fraction, str, str]:
    large, small, factor, _, high = pick(draw, _LARGE_SMALL)
    return Fraction(between(draw, 1, high * factor), factor), large, small


def _explain_decimal_amount(amount: Fraction, large: str, small: str) -> str:
    factor = _CONVERSIONS[large, small]
    return f"1{large}は{factor}{small}です。{show(amount, decimals=True)}×{factor}={amount * factor}です。"


def _two_lengths(draw: Draw) -> tuple[int, int, int, int]:
    return between(draw, 2, 20), between(draw, 1, 99), between(draw, 2, 20), between(draw, 1, 99)


def _used(draw: Draw) -> tuple[Fraction, int, int]:
    cups, each = between(draw, 2, 12), between(draw, 2, 30) * 10
    return Fraction((cups * each) // 100 + between(draw, 2, 30), 10), each, cups


def _trip(draw: Draw) -> tuple[int, Fraction]:
    minutes = pick(draw, (12, 15, 18, 20, 24, 30, 36, 40, 42, 45, 48, 50, 54, 75, 80, 90, 100, 105, 135, 150))
    return minutes, Fraction(minutes, 60) * between(draw, 8, 32) * 3


def _distance_in(draw: Draw) -> tuple[int, int]:
    minutes = pick(draw, (12, 15, 18, 20, 24, 30, 36, 40, 45, 48, 54, 75, 90, 100, 105, 135, 150))
    return between(draw, 10, 33) * 3, minutes


def _meeting(draw: Draw) -> tuple[int, int, int]:
    first, second = between(draw, 50, 90), between(draw, 50, 90)
    return (first + second) * between(draw, 5, 40), first, second


def _chase(draw: Draw) -> tuple[int, int, int]:
    slow = between(draw, 10, 16) * 5
    ahead = between(draw, 2, 20)
    for faster in range(slow + 20 + between(draw, 0, 60), 500):
        if slow * ahead % (faster - slow) == 0:
            return slow, ahead, faster
    raise AssertionError("a difference of speeds divides the lead")


_KINDS: tuple[Kind, ...] = (
    Kind(
        name="to_smaller_unit",
        level="elementary",
        wordings=(
            "{name}は{0}{1}{2}{3}を{3}だけで表そうとしています。全部で何{3}ですか。",
            "{name}のメモに「{0}{1}{2}{3}」とあります。{3}だけの単位で書きかえると、何{3}になりますか。",
            "{name}のノートには「{0}{1}{2}{3}」と書いてあります。これは何{3}ですか。",
            "{name}が{other}といっしょにはかると、{0}{1}{2}{3}でした。{3}の単位だけで表すといくつになりますか。",
        ),
        draw=_compound,
        solve=lambda a, large, b, small: a * _CONVERSIONS[large, small] + b,
        explain=_explain_compound,
        unit=lambda a, large, b, small: small,
    ),
    Kind(
        name="decimal_to_smaller_unit",
        level="elementary",
        wordings=(
            "{name}がはかると{0}{1}でした。これは何{2}ですか。",
            "{name}は「{0}{1}」と書かれた札を見ました。{2}で表すといくつですか。",
            "{event}のしおりに「{0}{1}」と書いてありました。{name}はこれを{2}に直します。何{2}になりますか。",
            "{name}は、{0}{1}が何{2}になるかを考えています。答えを教えてください。",
        ),
        draw=_decimal_amount,
        shown=lambda amount, large, small: (show(amount, decimals=True), large, small),
        solve=lambda amount, large, small: amount * _CONVERSIONS[large, small],
        explain=_explain_decimal_amount,
        unit=lambda amount, large, small: small,
    ),
    Kind(
        name="add_lengths",
        level="elementary",
        wordings=crossed(
            (
                "{name}は{0}m{1}cmの{color}のひもと、{2}m{3}cmの{shade}のひもを持っています。",
                "{event}で使うために、{0}m{1}cmの{color}のテープと{2}m{3}cmの{shade}のテープを用意しました。",
            ),
            ("合わせて何cmですか。", "2本の長さの合計は何cmになりますか。", "まっすぐつなぐと、全部で何cmですか。"),
        ),
        draw=_two_lengths,
        solve=lambda a, b, c, d: (a + c) * 100 + b + d,
        explain=lambda a, b, c, d: (
            f"{a}m{b}cmは{a * 100 + b}cm、{c}m{d}cmは{c * 100 + d}cmです。"
            f"{a * 100 + b}+{c * 100 + d}={(a + c) * 100 + b + d}です。"
        ),
        unit="cm",
    ),
    Kind(
        name="poured",
        level="elementary",
        wordings=crossed(
            (
                "{drink}が{0}Lあります。{name}は{1}mLずつ{2}個のコップに注ぎました。",
                "{name}は、{0}Lの{drink}を1人に{1}mLずつ{2}人に配りました。",
                "{event}で、{0}Lの{drink}から{1}mLを{2}回くみ出しました。",
            ),
            ("残りは何mLですか。", "{drink}は何mL残っていますか。"),
        ),
        draw=_used,
        shown=lambda liters, each, cups: (show(liters, decimals=True), each, cups),
        solve=lambda liters, each, cups: liters * 1000 - each * cups,
        explain=lambda liters, each, cups: (
            f"{show(liters, decimals=True)}Lは{liters * 1000}mLです。使ったのは{each}×{cups}={each * cups}(mL)です。"
            f"{liters * 1000}-{each * cups}={liters * 1000 - each * cups}です。"
        ),
        unit="mL",
    ),
    Kind(
        name="minutes_to_hours",
        level="elementary",
        wordings=(
            "{name}は{work}に、きのう{0}分、きょう{1}分かけました。合わせて何時間何分ですか。",
            "{name}は{0}分、{other}は{1}分、{work}を手伝いました。2人の時間を合わせると何時間何分になりますか。",
            "{town}の{event}では、準備に{0}分、片づけに{1}分かかりました。合わせて何時間何分ですか。",
            "{name}は{town}まで、電車に{0}分、バスに{1}分乗りました。乗っていた時間は全部で何時間何分ですか。",
        ),
        draw=lambda draw: (between(draw, 45, 170), between(draw, 45, 170)),
        solve=lambda a, b: Span(a + b),
        explain=lambda a, b: (
            f"{a}+{b}={a + b}(分)です。1時間は60分なので、{a + b}÷60={(a + b) // 60}あまり{(a + b) % 60}です。"
        ),
    ),
    Kind(
        name="weight_of_contents",
        level="elementary",
        wordings=crossed(
            (
                "{item}が入った箱の重さは{0}kgです。箱だけの重さは{1}gです。",
                "{name}が{item}の入ったかごをはかると{0}kg、空のかごをはかると{1}gでした。",
                "{event}で使う{item}を箱に入れると、全体の重さは{0}kgになりました。空の箱は{1}gです。",
            ),
            ("{item}の重さは何gですか。", "{item}だけの重さを、gの単位で求めてください。"),
        ),
        draw=lambda draw: (Fraction(between(draw, 15, 90), 10), between(draw, 12, 120) * 10),
        shown=lambda total, box: (show(total, decimals=True), box),
        solve=lambda total, box: total * 1000 - box,
        explain=lambda total, box: (
            f"{show(total, decimals=True)}kgは{total * 1000}gです。{total * 1000}-{box}={total * 1000 - box}です。"
        ),
        unit="g",
        share=0.7,
    ),
    Kind(
        name="speed_of_trip",
        level="middle",
        wordings=crossed(
            (
                "{name}の乗った{vehicle}は、{1}kmの道のりを{0}分で走りました。",
                "{vehicle}が{town}から{1}km離れた町まで、{0}分で着きました。",
            ),
            ("平均の速さは時速何kmですか。", "時速を求めなさい。", "このときの平均の速さを時速で答えなさい。"),
        ),
        draw=_trip,
        shown=lambda minutes, distance: (minutes, show(distance, decimals=True)),
        solve=lambda minutes, distance: distance * 60 / minutes,
        explain=lambda minutes, distance: (
            f"{minutes}分は{show(Fraction(minutes, 60))}時間です。"
            f"{show(distance, decimals=True)}÷({show(Fraction(minutes, 60))})={distance * 60 / minutes}なので、"
            f"時速{distance * 60 / minutes}kmです。"
        ),
        unit="km/h",
        share=0.5,
    ),
    Kind(
        name="distance_of_trip",
        level="middle",
        wordings=crossed(
            (
                "{name}の乗った{vehicle}は、時速{0}kmで{1}分走りました。",
                "{vehicle}が{town}の駅前から、平均時速{0}kmで{1}分進みました。",
            ),
            ("進んだ道のりは何kmですか。", "走った距離を求めなさい。", "何km進んだことになりますか。"),
        ),
        draw=_distance_in,
        solve=lambda speed, minutes: Fraction(speed * minutes, 60),
        explain=lambda speed, minutes: (
            f"{minutes}分は{show(Fraction(minutes, 60))}時間です。"
            f"{speed}×{show(Fraction(minutes, 60))}={show(Fraction(speed * minutes, 60), decimals=True)}です。"
        ),
        unit="km",
        decimals=True,
        share=0.35,
    ),
    Kind(
        name="walking_towards",
        level="middle",
        wordings=(
            "{0}m離れた2地点から、{name}は分速{1}m、{other}は分速{2}mで、同時に向かい合って歩き始めました。"
            "2人は何分後に出会いますか。",
            "周囲が{0}mの池を、{name}は分速{1}m、{other}は分速{2}mで、同じ地点から同時に反対方向へ歩く。"
            "2人が初めて出会うのは何分後か。",
            "{name}の家と{other}の家は{0}m離れている。"
            "{name}は分速{1}m、{other}は分速{2}mで同時に家を出て、相手の家に向かった。"
            "出会うまでに何分かかるか。",
            "{name}と{other}は{0}m離れた場所にいます。"
            "同時に出発し、それぞれ分速{1}mと分速{2}mで近づくと、何分で出会いますか。",
        ),
        draw=_meeting,
        solve=lambda distance, first, second: distance // (first + second),
        explain=lambda distance, first, second: (
            f"2人は1分間に{first}+{second}={first + second}(m)ずつ近づきます。"
            f"{distance}÷{first + second}={distance // (first + second)}です。"
        ),
        unit="分",
    ),
    Kind(
        name="catching_up",
        level="middle",
        wordings=(
            "{name}が分速{0}mで家を出た{1}分後に、{other}が分速{2}mで同じ道を追いかけました。"
            "{other}は出発してから何分後に追いつきますか。",
            "{name}は分速{0}mで歩いて{route}へ向かった。"
            "その{1}分後に{other}が分速{2}mで同じ場所から追いかけると、{other}は出発から何分後に追いつくか。",
            "{name}が学校を出発し、分速{0}mで歩いている。"
            "{1}分後、{other}が自転車に乗り分速{2}mで同じ道を追う。追いつくまでに{other}が走る時間は何分か。",
        ),
        draw=_chase,
        solve=lambda slow, ahead, fast: slow * ahead // (fast - slow),
        explain=lambda slow, ahead, fast: (
            f"追いかけ始めるとき、2人は{slow}×{ahead}={slow * ahead}(m)離れています。"
            f"差は1分間に{fast}-{slow}={fast - slow}(m)ずつ縮みます。"
            f"{slow * ahead}÷{fast - slow}={slow * ahead // (fast - slow)}です。"
        ),
        unit="分",
        share=0.7,
    ),
    Kind(
        name="area_units",
        level="middle",
        wordings=(
            "{name}は{0}{1}を{2}で表そうとしています。何{2}ですか。",
            "{name}の資料には「{0}{1}」とある。{2}の単位では何{2}か。",
            "{town}の{field}についての資料に「{0}{1}」とある。これを{2}に直すと何{2}になるか。",
        ),
        draw=lambda draw: (Fraction(between(draw, 2, 400), 10), *pick(draw, tuple(_AREA_FACTORS))),
        shown=lambda amount, large, small: (show(amount, decimals=True), large, small),
        solve=lambda amount, large, small: amount * _AREA_FACTORS[large, small],
        explain=lambda amount, large, small: (
            f"1{large}は{_AREA_FACTORS[large, small]}{small}です。"
            f"{show(amount, decimals=True)}×{_AREA_FACTORS[large, small]}={amount * _AREA_FACTORS[large, small]}です。"
        ),
        unit=lambda amount, large, small: small,
        share=0.5,
    ),
)
UNITS = WordProblems("units", (*_KINDS, *QUANTITIES))
"""Lengths and volumes at the elementary school, speeds at the middle school, physics at the high school."""
