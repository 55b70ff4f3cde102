"""Counting and chance: by enumeration, by the complement, and by the rules of multiplication and conditioning."""

import math
from fractions import Fraction

from tanuki_jax.corpus.tasks.answer_values import show
from tanuki_jax.corpus.tasks.dice import DICE
from tanuki_jax.corpus.tasks.word_problems import Draw, Kind, WordProblems, between, crossed, pick


def _balls(draw: Draw) -> tuple[int, int]:
    return between(draw, 2, 15), between(draw, 2, 15)


def _lots(draw: Draw) -> tuple[int, int]:
    total = between(draw, 8, 200)
    return total, between(draw, 2, total // 2)


def _multiples(draw: Draw) -> tuple[int, int]:
    return between(draw, 10, 60), between(draw, 2, 9)


def _two_of_one_color(red: int, white: int) -> Fraction:
    return Fraction(math.comb(red, 2) + math.comb(white, 2), math.comb(red + white, 2))


def _explain_at_least_one(red: int, white: int) -> str:
    every, none = math.comb(red + white, 2), math.comb(white, 2)
    return (
        f"取り出し方は全部で({red + white}×{red + white - 1})÷2={every}通りです。求める色が1個も出ないのは"
        f"({white}×{white - 1})÷2={none}通りです。求める確率は1-{none}/{every}={every - none}/{every}です。"
    )


def _coins(draw: Draw) -> tuple[int, int]:
    count = between(draw, 2, 5)
    return count, between(draw, 1, count)


_CHANCES = tuple((top, below) for below in range(2, 13) for top in range(1, below) if math.gcd(top, below) == 1)
"""Probabilities in lowest terms."""


def _explain_either(a: int, b: int, c: int, d: int) -> str:
    none = Fraction(b - a, b) * Fraction(d - c, d)
    return (
        f"2人とも失敗する確率は(1-{a}/{b})×(1-{c}/{d})={b - a}/{b}×{d - c}/{d}={show(none)}です。"
        f"少なくとも一方が成功する確率は1-{show(none)}={show(1 - none)}です。"
    )


def _repeated(draw: Draw) -> tuple[int, int, int]:
    times = between(draw, 3, 5)
    return times, between(draw, 1, times - 1), pick(draw, (2, 3, 4, 5, 6))


def _repeated_chance(times: int, hits: int, sides: int) -> Fraction:
    return math.comb(times, hits) * Fraction(1, sides) ** hits * Fraction(sides - 1, sides) ** (times - hits)


def _prizes(draw: Draw) -> tuple[int, int, int, int]:
    few, some = between(draw, 1, 5), between(draw, 6, 20)
    return few, pick(draw, (1000, 1200, 1500, 2000, 3000, 5000)), some, pick(draw, (100, 200, 300, 400, 500))


_KINDS: tuple[Kind, ...] = (
    Kind(
        name="outfits",
        level="elementary",
        wordings=crossed(
            (
                "{name}は{town}への旅行に、シャツを{0}枚、ズボンを{1}本持っていきます。1枚と1本を選んで着ます。",
                "{name}と{other}は{shop}で、{0}種類のパンと{1}種類の飲み物から1つずつ選びます。",
                "{name}は{town}へ行くのに、{0}通りの行き方と{1}通りの帰り方から選べます。",
            ),
            ("組み合わせは全部で何通りありますか。", "選び方は何通りですか。", "全部で何通りの選び方ができますか。"),
        ),
        draw=lambda draw: (between(draw, 2, 20), between(draw, 2, 20)),
        solve=lambda a, b: a * b,
        explain=lambda a, b: f"1つ目の選び方は{a}通りで、そのそれぞれに{b}通りあります。{a}×{b}={a * b}です。",
        unit="通り",
        share=0.6,
    ),
    Kind(
        name="round_robin",
        level="elementary",
        wordings=crossed(
            (
                "{town}の{match}で、{0}チームが、どのチームとも1回ずつ試合をします。",
                "{name}と{other}を含む{0}人が、将棋の総当たり戦をします。どの2人も1回ずつ対戦します。",
                "{town}の学校の{club}の{0}人が集まり、どの2人も1回ずつ握手をします。",
            ),
            ("全部で何回になりますか。", "合わせて何回行われますか。"),
        ),
        draw=lambda draw: (between(draw, 4, 40),),
        solve=lambda n: n * (n - 1) // 2,
        explain=lambda n: (
            f"1つにつき相手は{n - 1}通りあり、同じ組を2回ずつ数えることになるので、2でわります。"
            f"{n}×{n - 1}÷2={n * (n - 1) // 2}です。"
        ),
        unit="回",
        share=0.08,
    ),
    Kind(
        name="orders",
        level="elementary",
        wordings=(
            "{name}、{other}、{third}を含む{0}人が横1列に並びます。並び方は何通りありますか。",
            "{name}は{other}から借りた{0}冊のちがう本を本だなに1列に並べます。並べ方は全部で何通りですか。",
            "{town}の{event}で、{0}組の発表の順番を決めます。決め方は何通りありますか。",
            "{name}は{town}で{0}か所を1回ずつ見て回ります。回る順番は何通り考えられますか。",
            "{name}と{other}を含む{0}人のリレーのチームで、走る順番を決めます。順番は全部で何通りありますか。",
        ),
        draw=lambda draw: (between(draw, 3, 7),),
        solve=math.factorial,
        explain=lambda n: (
            f"1番目は{n}通り、2番目は残りの{n - 1}通りと、1つずつ減っていきます。"
            f"{'×'.join(str(i) for i in range(n, 0, -1))}={math.factorial(n)}です。"
        ),
        unit="通り",
        share=0.06,
    ),
    Kind(
        name="share_of_winning_lots",
        level="elementary",
        wordings=crossed(
            (
                "{town}の{fair}のくじは全部で{0}本あり、そのうち{1}本が当たりです。",
                "{name}が作った{0}本のくじの中に、当たりが{1}本入っています。",
                "{name}が行った{shop}のくじ引きでは、{0}本のうち{1}本が当たりくじです。",
            ),
            ("当たりくじは全体のどれだけの割合ですか。分数で答えてください。", "当たりの割合を分数で表してください。"),
        ),
        draw=_lots,
        solve=lambda total, winning: Fraction(winning, total),
        explain=lambda total, winning: (
            f"割合は、当たりの数÷全体の数で求めます。{winning}÷{total}={winning}/{total}です。"
        ),
        share=0.4,
    ),
    Kind(
        name="one_ball",
        level="middle",
        wordings=crossed(
            (
                "袋の中に{color}の玉が{0}個、{shade}の玉が{1}個入っています。{name}が玉を1個取り出します。",
                "{name}は、{color}の玉{0}個と{shade}の玉{1}個が入った箱から、中を見ないで1個取り出します。",
                "{fair}の抽選箱に、{color}の玉が{0}個と{shade}の玉が{1}個入っています。よくかき混ぜて1個取り出します。",
            ),
            ("{color}の玉が出る確率を求めなさい。", "取り出した玉が{color}である確率はいくらですか。"),
        ),
        draw=lambda draw: (between(draw, 2, 30), between(draw, 2, 30)),
        solve=lambda red, white: Fraction(red, red + white),
        explain=lambda red, white: (
            f"玉は全部で{red}+{white}={red + white}個あり、どの玉の取り出し方も同様に確からしいです。"
            f"確率は{red}/{red + white}です。"
        ),
        share=0.6,
    ),
    Kind(
        name="at_least_one_ball",
        level="middle",
        wordings=crossed(
            (
                "袋の中に{color}の玉が{0}個、{shade}の玉が{1}個入っています。{name}が同時に2個取り出します。",
                "{name}は、{color}の玉{0}個と{shade}の玉{1}個が入った箱から、2個の玉を同時に取り出します。",
            ),
            ("少なくとも1個は{color}の玉である確率を求めなさい。", "{color}の玉が1個以上出る確率はいくらですか。"),
        ),
        draw=_balls,
        solve=lambda red, white: 1 - Fraction(math.comb(white, 2), math.comb(red + white, 2)),
        explain=_explain_at_least_one,
        share=0.4,
    ),
    Kind(
        name="numbered_cards",
        level="middle",
        wordings=crossed(
            (
                "1から{0}までの数字を1つずつ書いた{0}枚のカードから、{name}が1枚ひいて{other}に見せます。",
                "{name}は、{other}が用意した、1から{0}までの番号がついた{0}個の玉が入った箱から、1個を取り出します。",
            ),
            ("その数が{1}の倍数である確率を求めなさい。", "{1}でわり切れる数が出る確率はいくらですか。"),
        ),
        draw=_multiples,
        solve=lambda total, of: Fraction(total // of, total),
        explain=lambda total, of: (
            f"全部で{total}通りです。{of}の倍数は、{total}÷{of}の商から{total // of}個あります。"
            f"確率は{total // of}/{total}です。"
        ),
        share=0.25,
    ),
    Kind(
        name="coins",
        level="middle",
        wordings=(
            "{name}が{0}枚の硬貨を同時に投げます。{other}はその結果を見ます。表がちょうど{1}枚出る確率を求めなさい。",
            "{name}と{other}が、1枚の硬貨を続けて{0}回投げます。表がちょうど{1}回出る確率はいくらですか。",
            "{name}は{other}から借りた{0}枚の硬貨を一度に投げます。{1}枚だけ表が出る確率を求めなさい。",
        ),
        draw=_coins,
        solve=lambda count, heads: Fraction(math.comb(count, heads), 2**count),
        explain=lambda count, heads: (
            f"表裏の出方は全部で{'×'.join(['2'] * count)}={2**count}通りです。表がちょうど{heads}つになる出方は"
            f"{math.comb(count, heads)}通りなので、確率は{math.comb(count, heads)}/{2**count}です。"
        ),
        share=0.12,
    ),
    Kind(
        name="either_succeeds",
        level="high",
        wordings=crossed(
            (
                "{name}が{match}の予選を通る確率は{0}/{1}、{other}が通る確率は{2}/{3}で、互いに独立である。",
                "{name}が的に当てる確率は{0}/{1}、{other}が当てる確率は{2}/{3}である。2人が1回ずつ投げる。",
            ),
            (
                "少なくとも一方が成功する確率を求めよ。",
                "2人のうち少なくとも1人がうまくいく確率はいくらか。",
                "2人とも失敗する場合を考えて、少なくとも1人が成功する確率を求めなさい。",
            ),
        ),
        draw=lambda draw: (*pick(draw, _CHANCES), *pick(draw, _CHANCES)),
        solve=lambda a, b, c, d: 1 - Fraction(b - a, b) * Fraction(d - c, d),
        explain=_explain_either,
    ),
    Kind(
        name="both_succeed",
        level="high",
        wordings=(
            "{name}が試験に合格する確率は{0}/{1}、{other}が合格する確率は{2}/{3}で、互いに独立である。"
            "2人とも合格する確率を求めよ。",
            "{name}が次のシュートを決める確率は{0}/{1}、{other}が決める確率は{2}/{3}である。"
            "2人とも決める確率はいくらか。",
            "機械Aが1日故障しない確率は{0}/{1}、機械Bが故障しない確率は{2}/{3}で、独立である。"
            "{name}と{other}が両方を1日使うとき、"
            "どちらも故障しない確率を求めなさい。",
        ),
        draw=lambda draw: (*pick(draw, _CHANCES), *pick(draw, _CHANCES)),
        solve=lambda a, b, c, d: Fraction(a * c, b * d),
        explain=lambda a, b, c, d: f"独立なので確率をかけます。{a}/{b}×{c}/{d}={a * c}/{b * d}です。",
    ),
    Kind(
        name="drawn_in_turn",
        level="high",
        wordings=crossed(
            (
                "{color}の玉{0}個と{shade}の玉{1}個が入った袋から、{name}が1個ずつ続けて2個取り出す。"
                "取り出した玉は戻さない。",
                "{name}は、{color}のカード{0}枚と{shade}のカード{1}枚をよく混ぜ、元に戻さずに1枚ずつ2枚引く。",
            ),
            ("2回とも{color}が出る確率を求めよ。", "1回目も2回目も{color}である確率はいくらか。"),
        ),
        draw=_balls,
        solve=lambda red, white: Fraction(red * (red - 1), (red + white) * (red + white - 1)),
        explain=lambda red, white: (
            f"1回目に出る確率は{red}/{red + white}、そのとき2回目に出る確率は{red - 1}/{red + white - 1}です。"
            f"{red}/{red + white}×{red - 1}/{red + white - 1}={red * (red - 1)}/"
            f"{(red + white) * (red + white - 1)}です。"
        ),
        share=0.6,
    ),
    Kind(
        name="same_color",
        level="high",
        wordings=crossed(
            (
                "{color}の玉{0}個と{shade}の玉{1}個が入った袋から、{name}が同時に2個取り出す。",
                "{fair}の抽選箱に{color}の玉が{0}個、{shade}の玉が{1}個ある。この中から2個を同時に取り出す。",
            ),
            ("2個が同じ色である確率を求めよ。", "取り出した2個の色が一致する確率はいくらか。"),
        ),
        draw=_balls,
        solve=_two_of_one_color,
        explain=lambda red, white: (
            f"取り出し方は全部で{math.comb(red + white, 2)}通りです。"
            f"同じ色になるのは、{math.comb(red, 2)}+{math.comb(white, 2)}"
            f"={math.comb(red, 2) + math.comb(white, 2)}通りです。"
            f"確率は{math.comb(red, 2) + math.comb(white, 2)}/{math.comb(red + white, 2)}です。"
        ),
        share=0.5,
    ),
    Kind(
        name="repeated_trials",
        level="high",
        wordings=(
            "{name}が{fair}の的当てで当てる確率は毎回1/{2}である。{0}回投げるとき、ちょうど{1}回当たる確率を求めよ。",
            "{name}と{other}が対戦すると、{name}の勝つ確率は毎回1/{2}で、引き分けはない。"
            "{0}回の対戦で{name}がちょうど{1}回勝つ確率はいくらか。",
            "{fair}で、1回引くと確率1/{2}で当たるくじを、{name}は引くたびに元に戻しながら{0}回引く。"
            "ちょうど{1}回当たる確率を求めなさい。",
        ),
        draw=_repeated,
        solve=_repeated_chance,
        explain=lambda times, hits, sides: (
            f"どの{hits}回で起こるかは{times}C{hits}={math.comb(times, hits)}通りです。"
            f"{math.comb(times, hits)}×(1/{sides})^{hits}×({sides - 1}/{sides})^{times - hits}"
            f"={show(_repeated_chance(times, hits, sides))}です。"
        ),
        share=0.2,
    ),
    Kind(
        name="expected_prize",
        level="high",
        wordings=crossed(
            (
                "100本のくじの中に、{1}円の当たりが{0}本、{3}円の当たりが{2}本あり、残りははずれである。",
                "{fair}の100本のくじには、1等{1}円が{0}本、2等{3}円が{2}本入っている。ほかははずれで賞金はない。",
            ),
            ("1本引くときの賞金の期待値を求めよ。", "{name}が1本引く。賞金の期待値はいくらか。"),
        ),
        draw=_prizes,
        solve=lambda few, large, some, small: Fraction(few * large + some * small, 100),
        explain=lambda few, large, some, small: (
            f"{large}×{few}/100+{small}×{some}/100=({large * few}+{small * some})/100="
            f"{show(Fraction(few * large + some * small, 100), decimals=True)}です。"
        ),
        unit="円",
        decimals=True,
        share=0.12,
    ),
)
PROBABILITY = WordProblems("probability", (*_KINDS, *DICE))
"""Dice, coins, cards, balls and lots: counting at the elementary school, conditional chance at the high school."""
