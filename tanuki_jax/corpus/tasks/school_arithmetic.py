"""Calculation at school: shopping and remainders, then equations, then sequences and counting."""

import math
from fractions import Fraction

from tanuki_jax.corpus.tasks.algebra import ALGEBRA
from tanuki_jax.corpus.tasks.word_problems import Draw, Kind, WordProblems, between, crossed, pick


def _change(draw: Draw) -> tuple[int, int, int]:
    price, count = between(draw, 3, 48) * 10 + pick(draw, (0, 0, 5, 8)), between(draw, 2, 9)
    return price, count, next(paid for paid in (500, 1000, 2000, 5000, 10_000) if paid > price * count)


def _not_divisible(draw: Draw) -> tuple[int, int]:
    divisor = between(draw, 3, 12)
    return divisor * between(draw, 4, 40) + between(draw, 1, divisor - 1), divisor


_PROPER = tuple((top, below) for below in range(2, 13) for top in range(1, below) if math.gcd(top, below) == 1)
"""Fractions below 1 in lowest terms."""


def _fractions(draw: Draw) -> tuple[int, int, int, int]:
    (above, below), (top, under) = pick(draw, _PROPER), pick(draw, _PROPER)
    return above, below, top, under


def _explain_fractions(a: int, b: int, c: int, d: int) -> str:
    same = math.lcm(b, d)
    first, second = a * same // b, c * same // d
    if b == d:
        return f"分母が同じなので、分子を足します。{a}/{b}+{c}/{d}={a + c}/{b}です。"
    return (
        f"通分すると、{a}/{b}={first}/{same}、{c}/{d}={second}/{same}です。"
        f"{first}/{same}+{second}/{same}={first + second}/{same}です。"
    )


def _two_prices(draw: Draw) -> tuple[int, int, int, int]:
    cheap, dear = between(draw, 5, 20) * 10, between(draw, 21, 50) * 10
    first, second = between(draw, 2, 15), between(draw, 2, 15)
    return cheap, dear, first + second, cheap * first + dear * second


def _explain_two_prices(cheap: int, dear: int, count: int, total: int) -> str:
    x = (dear * count - total) // (dear - cheap)
    return (
        f"安いほうをx個とすると、高いほうは({count}-x)個です。{cheap}x+{dear}({count}-x)={total}なので、"
        f"{dear * count}-{dear - cheap}x={total}、x={x}です。"
    )


def _paid(draw: Draw) -> tuple[int, int]:
    price, tenths = _discount(draw)
    return price * (10 - tenths) // 10, tenths


def _discount(draw: Draw) -> tuple[int, int]:
    return between(draw, 30, 990) * 10, between(draw, 1, 6)


_KINDS: tuple[Kind, ...] = (
    Kind(
        name="change",
        level="elementary",
        wordings=crossed(
            (
                "{name}は{shop}で、1{k}{0}円の{item}を{1}{k}買い、{2}円を出しました。",
                "{item}は1{k}{0}円です。{name}は{item}を{1}{k}買って、{2}円で支払いました。",
                "{2}円を持って{shop}へ行き、1{k}{0}円の{item}を{1}{k}買いました。",
            ),
            ("おつりはいくらですか。", "何円残りますか。", "受け取るおつりを求めてください。"),
        ),
        draw=_change,
        solve=lambda price, count, paid: paid - price * count,
        explain=lambda price, count, paid: (
            f"代金は{price}×{count}={price * count}円です。{paid}-{price * count}={paid - price * count}です。"
        ),
        unit="円",
    ),
    Kind(
        name="containers",
        level="elementary",
        wordings=crossed(
            (
                "{item}が{0}{k}あります。1つの箱に{1}{k}まで入ります。",
                "{name}は{item}{0}{k}を、{1}{k}ずつ入る箱に分けて入れます。",
                "{shop}に{item}が{0}{k}届きました。箱1つに入るのは{1}{k}までです。",
            ),
            ("全部入れるには、箱は少なくともいくついりますか。", "すべて入れるのに必要な箱は、最低いくつですか。"),
        ),
        draw=_not_divisible,
        solve=lambda total, each: -(-total // each),
        explain=lambda total, each: (
            f"{total}÷{each}={total // each}あまり{total % each}です。"
            f"あまった{total % each}{{k}}を入れる箱がもう1つ必要なので、{total // each}+1={total // each + 1}です。"
        ),
        unit="個",
    ),
    Kind(
        name="left_over",
        level="elementary",
        wordings=crossed(
            (
                "{item}{0}{k}を{1}人で同じ数ずつ、できるだけ多く分けます。",
                "{name}は{item}を{0}{k}持っています。{1}人の友だちに同じ数ずつ、できるだけ多く配ります。",
                "{event}のために用意した{item}{0}{k}を、{1}人に同じ数ずつ、できるだけ多く渡します。",
            ),
            ("あまりは何{k}ですか。", "何{k}余りますか。"),
        ),
        draw=_not_divisible,
        solve=lambda total, people: total % people,
        explain=lambda total, people: (
            f"{total}÷{people}={total // people}あまり{total % people}です。1人分は{total // people}{{k}}になります。"
        ),
        unit="{k}",
    ),
    Kind(
        name="add_fractions",
        level="elementary",
        wordings=crossed(
            (
                "{name}は{drink}を午前に{0}/{1}L、午後に{2}/{3}L飲みました。",
                "{name}の家には、{drink}が大きいびんに{0}/{1}L、小さいびんに{2}/{3}L入っています。",
                "{name}は{0}/{1}L、{other}は{2}/{3}Lの{drink}を買いました。",
            ),
            ("合わせて何Lですか。", "全部で何Lになるか、分数で答えてください。"),
        ),
        draw=_fractions,
        solve=lambda a, b, c, d: Fraction(a, b) + Fraction(c, d),
        explain=_explain_fractions,
        unit="L",
    ),
    Kind(
        name="times_as_many",
        level="elementary",
        wordings=crossed(
            (
                "{name}は{item}を{0}{k}持っています。{other}はその{1}倍より{2}{k}多く持っています。",
                "{name}が集めた{item}は{0}{k}で、{other}が集めた{item}はその{1}倍より{2}{k}多いそうです。",
                "{item}を{name}は{0}{k}、{other}は{name}の{1}倍より{2}{k}多く使いました。",
            ),
            ("{other}の{item}は何{k}ですか。", "{other}の分は何{k}になりますか。"),
        ),
        draw=lambda draw: (between(draw, 4, 40), between(draw, 2, 6), between(draw, 1, 20)),
        solve=lambda base, times, more: base * times + more,
        explain=lambda base, times, more: (
            f"{base}の{times}倍は{base * times}です。{base * times}+{more}={base * times + more}です。"
        ),
        unit="{k}",
    ),
    Kind(
        name="order_of_operations",
        level="elementary",
        wordings=(
            "次の計算をしてください。{0}+{1}×{2}",
            "{0}+{1}×{2}を計算してください。",
            "{0}+{1}×{2}の答えはいくつですか。",
            "{name}は{0}+{1}×{2}を計算します。正しい答えを教えてください。",
        ),
        draw=lambda draw: (between(draw, 100, 2999), between(draw, 11, 99), between(draw, 3, 49)),
        solve=lambda a, b, c: a + b * c,
        explain=lambda a, b, c: f"かけ算を先に計算します。{b}×{c}={b * c}、{a}+{b * c}={a + b * c}です。",
        share=0.5,
    ),
    Kind(
        name="two_prices",
        level="middle",
        wordings=crossed(
            (
                "{name}は{shop}で、1個{0}円のパンと1個{1}円のケーキを合わせて{2}個買い、{3}円を払いました。",
                "1個{0}円のパンと1個{1}円のケーキを合わせて{2}個買うと、代金は{3}円でした。",
                "{event}の差し入れに、1個{0}円のパンと1個{1}円のケーキを合わせて{2}個、{3}円分買いました。",
            ),
            ("パンは何個買いましたか。", "買ったパンの個数を求めなさい。"),
        ),
        draw=_two_prices,
        solve=lambda cheap, dear, count, total: (dear * count - total) // (dear - cheap),
        explain=_explain_two_prices,
        share=0.6,
    ),
    Kind(
        name="discount",
        level="middle",
        wordings=crossed(
            (
                "{shop}で、定価{0}円の品物が{1}割引で売られています。",
                "{name}は定価{0}円の商品を{1}割引で買いました。",
                "ふだん{0}円のセットが、{fair}の日だけ{1}割引になります。",
            ),
            ("代金はいくらですか。", "値引き後の値段を求めなさい。", "支払う金額は何円になりますか。"),
        ),
        draw=_discount,
        solve=lambda price, tenths: price * (10 - tenths) // 10,
        explain=lambda price, tenths: (
            f"{tenths}割引は定価の{10 - tenths}割にあたります。"
            f"{price}×0.{10 - tenths}={price * (10 - tenths) // 10}です。"
        ),
        unit="円",
        share=0.35,
    ),
    Kind(
        name="original_price",
        level="middle",
        wordings=crossed(
            (
                "{name}は{shop}で、ある商品を定価の{1}割引で買い、{0}円を払いました。",
                "{fair}の日に定価の{1}割引で売られていた品物を、{name}は{0}円で買いました。",
                "ある品物を定価の{1}割引で売ると、値段は{0}円です。{name}はこれを買いました。",
            ),
            ("定価はいくらですか。", "この品物の定価を求めなさい。", "定価は何円でしたか。"),
        ),
        draw=_paid,
        solve=lambda paid, tenths: paid * 10 // (10 - tenths),
        explain=lambda paid, tenths: (
            f"定価をx円とすると、x×0.{10 - tenths}={paid}です。"
            f"x={paid}÷0.{10 - tenths}={paid * 10 // (10 - tenths)}です。"
        ),
        unit="円",
    ),
    Kind(
        name="choose_people",
        level="high",
        wordings=crossed(
            (
                "{town}の学校の{club}の部員{0}人の中から、{event}の係を{1}人選ぶ。",
                "{name}と{other}を含む{0}人の中から、{work}をする人を{1}人選ぶ。",
                "{town}の{club}に入っている{0}人の中から、{event}の代表を{1}人選ぶ。",
            ),
            ("選び方は何通りあるか。", "選び方の総数を求めなさい。", "何通りの選び方がありますか。"),
        ),
        draw=lambda draw: (between(draw, 6, 45), between(draw, 2, 4)),
        solve=math.comb,
        explain=lambda n, k: (
            f"選ぶ順番は区別しないので、{n}C{k}を計算します。"
            f"{'×'.join(str(n - i) for i in range(k))}÷({'×'.join(str(k - i) for i in range(k))})="
            f"{math.comb(n, k)}です。"
        ),
        unit="通り",
        share=0.35,
    ),
    Kind(
        name="chairs_and_vices",
        level="high",
        wordings=crossed(
            (
                "{town}の学校の{club}の部員{0}人の中から、部長、副部長、会計を1人ずつ選ぶ。",
                "{name}と{other}のクラスの{0}人から、{event}の司会、記録、受付の担当を1人ずつ選ぶ。",
                "{name}と{other}を含む{0}人で{work}をする。この{0}人の中から、班長、副班長、連絡係を1人ずつ選ぶ。",
            ),
            ("兼任は認めない。選び方は何通りあるか。", "同じ人が二つの役につくことはない。何通りの選び方があるか。"),
        ),
        draw=lambda draw: (between(draw, 6, 45),),
        solve=lambda n: n * (n - 1) * (n - 2),
        explain=lambda n: (
            f"役を順に決めると、{n}人、{n - 1}人、{n - 2}人から選びます。"
            f"{n}×{n - 1}×{n - 2}={n * (n - 1) * (n - 2)}です。"
        ),
        unit="通り",
        share=0.2,
    ),
)
SCHOOL_ARITHMETIC = WordProblems("school_arithmetic", (*_KINDS, *ALGEBRA))
"""Calculations in stories and in symbols, from shopping to sequences."""
