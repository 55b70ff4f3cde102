"""Two dice: by enumeration, by the complement, as lists of pairs; and the meaning of a probability of 1/6."""

import itertools
from fractions import Fraction

from tanuki_jax.corpus.tasks.answer_values import Pairs
from tanuki_jax.corpus.tasks.word_problems import Draw, Kind, between, crossed, pick

type Condition = tuple[str, str, int]
"""Operation, relation and number, as `favourable` takes them."""

_TWO_DICE = (
    "{fair}のゲームで、{name}が大小2つのさいころを同時に投げます。",
    "{name}が{color}のさいころと{shade}のさいころを1回ずつ投げます。",
    "1つのさいころを{name}が続けて2回投げ、{other}が出た目を記録します。",
    "{name}と{other}がそれぞれ1つずつさいころを投げます。",
)
"""Openings of problems about two dice, which differ."""


CONDITIONS: tuple[Condition, ...] = (
    *(("和", relation, number) for relation in ("以上", "以下") for number in range(3, 12)),
    *(("和", "ちょうど", number) for number in range(2, 13)),
    *(("和", "の倍数", number) for number in (3, 4, 5, 6)),
    *(("積", relation, number) for relation in ("以上", "以下") for number in (4, 5, 6, 8, 10, 12, 15, 18, 20, 24, 25)),
    *(("積", "の倍数", number) for number in (2, 3, 4, 5, 6, 10)),
    *(("差", "ちょうど", number) for number in range(6)),
)
"""Conditions on the numbers of two dice in problems of this file."""


_SHOWN_RELATION = {
    "以上": "{}以上になる",
    "以下": "{}以下になる",
    "ちょうど": "ちょうど{}になる",
    "の倍数": "{}の倍数になる",
}


def _result(operation: str, first: int, second: int) -> int:
    return first + second if operation == "和" else first * second if operation == "積" else abs(first - second)


def _holds(relation: str, value: int, number: int) -> bool:
    match relation:
        case "以上":
            return value >= number
        case "以下":
            return value <= number
        case "ちょうど":
            return value == number
        case _:
            return value % number == 0


def favourable(
    operation: str, relation: str, number: int, sides: tuple[int, int] = (6, 6)
) -> tuple[tuple[int, int], ...]:
    """Return the pairs of numbers that fulfil a condition, in order.

    Args:
        operation: sum 和, product 積 or difference 差 of the two numbers.
        relation: at least 以上, at most 以下, exactly ちょうど, or a multiple of の倍数.
        number: number that the result is compared with.
        sides: greatest numbers of the two dice.
    """
    return tuple(
        (first, second)
        for first, second in itertools.product(range(1, sides[0] + 1), range(1, sides[1] + 1))
        if _holds(relation, _result(operation, first, second), number)
    )


_FAVOURABLE = {condition: favourable(*condition) for condition in CONDITIONS}


_RARE = tuple(condition for condition, pairs in _FAVOURABLE.items() if len(pairs) <= 6)


_FREQUENT = tuple(condition for condition, pairs in _FAVOURABLE.items() if len(pairs) >= 26)


def _shown_condition(operation: str, relation: str, number: int) -> tuple[str, str]:
    return f"出る目の数の{operation}", _SHOWN_RELATION[relation].format(number)


def _written(pairs: tuple[tuple[int, int], ...]) -> str:
    return "、".join(f"({first}, {second})" for first, second in pairs)


def _explain_dice(operation: str, relation: str, number: int) -> str:
    pairs = _FAVOURABLE[operation, relation, number]
    if len(pairs) <= 18:
        return (
            f"目の出方は全部で6×6=36通りです。あてはまるのは{_written(pairs)}の{len(pairs)}通りなので、"
            f"確率は{len(pairs)}/36です。"
        )
    others = tuple(pair for pair in itertools.product(range(1, 7), range(1, 7)) if pair not in pairs)
    return (
        f"目の出方は全部で6×6=36通りです。あてはまらないのは{_written(others)}の{len(others)}通りなので、"
        f"その確率は{len(others)}/36です。求める確率は1-{len(others)}/36={36 - len(others)}/36です。"
    )


_MEANINGS = (
    "何回も多く投げると、{0}の目が出る割合は1/6に近づく",
    "6回投げると、{0}の目は必ず1回だけ出る",
    "5回続けて{0}以外の目が出たら、次は必ず{0}の目が出る",
    "一度{0}の目が出たら、そのあとの5回は{0}の目が出ない",
    "6回投げると、そのうち少なくとも1回は必ず{0}の目が出る",
)
"""Readings of a probability of 1/6; the first is right."""


_SIGNS = "アイウエオ"


def _meanings(draw: Draw) -> tuple[int, int]:
    return between(draw, 1, 6), between(draw, 0, 119)


_ORDERS = tuple(itertools.permutations(range(5)))


def _shown_meanings(face: int, order: int) -> tuple[int, str]:
    lines = [
        f"{sign} {_MEANINGS[position].format(face)}" for sign, position in zip(_SIGNS, _ORDERS[order], strict=True)
    ]
    return face, "\n".join(lines)


DICE: tuple[Kind, ...] = (
    Kind(
        name="two_dice",
        level="middle",
        wordings=crossed(
            _TWO_DICE,
            (
                "{0}が{1}確率を求めなさい。",
                "{0}が{1}確率はいくらですか。途中の考え方も書いてください。",
                "このとき、{0}が{1}確率を答えてください。",
            ),
        ),
        draw=lambda draw: pick(draw, CONDITIONS),
        shown=_shown_condition,
        solve=lambda *condition: Fraction(len(_FAVOURABLE[condition]), 36),
        explain=_explain_dice,
        share=0.15,
    ),
    Kind(
        name="two_dice",
        level="middle",
        wordings=crossed(
            _TWO_DICE[1:],
            (
                "{0}が{1}確率を、そうならない場合の確率を使って求めなさい。",
                "{0}が{1}確率を、余事象を使って順を追って求めてください。",
            ),
        ),
        draw=lambda draw: pick(draw, _FREQUENT),
        shown=_shown_condition,
        solve=lambda *condition: Fraction(len(_FAVOURABLE[condition]), 36),
        explain=_explain_dice,
        share=0.12,
    ),
    Kind(
        name="pairs_of_dice",
        level="middle",
        wordings=crossed(
            _TWO_DICE[1:2] + _TWO_DICE[3:],
            (
                "{0}が{1}目の出方を、(1, 2)のような形ですべて書きなさい。",
                "{0}が{1}出方をすべて、(2, 5)のように2つの目の組で答えてください。",
            ),
        ),
        draw=lambda draw: pick(draw, _RARE),
        shown=_shown_condition,
        solve=lambda *condition: Pairs(_FAVOURABLE[condition]),
        explain=lambda *condition: f"1つ目の目を1から6まで順に調べると、{len(_FAVOURABLE[condition])}通りあります。",
        share=0.12,
    ),
    Kind(
        name="meaning_of_probability",
        level="middle",
        wordings=tuple(
            opening + "\n{1}"
            for opening in crossed(
                (
                    "{name}が、どの目も同じように出るさいころを投げます。{0}の目が出る確率は1/6です。",
                    "1つのさいころを投げるとき、{0}の目が出る確率は1/6である。"
                    "{name}と{other}がこの意味について話している。",
                ),
                (
                    "この確率の意味として正しいものを、次のア〜オから1つ選びなさい。",
                    "確率が1/6であることの説明として正しいものはどれですか。記号で答えてください。",
                ),
            )
        ),
        draw=_meanings,
        shown=_shown_meanings,
        solve=lambda face, order: _SIGNS[_ORDERS[order].index(0)],
        explain=lambda face, order: (
            "確率は、同じことを何回も多く行ったときに、そのことが起こる割合が近づいていく値です。"
            "何回目に必ず起こるかは決まりません。"
        ),
        choices=tuple(_SIGNS),
        share=0.2,
    ),
)
"""Kinds of problems about dice."""
