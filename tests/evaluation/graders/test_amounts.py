from fractions import Fraction

import pytest

from tanuki_jax.corpus.tasks.answer_values import Clock, Day
from tanuki_jax.corpus.tasks.responses import Root
from tanuki_jax.evaluation.graders.amounts import Measured, amounts
from tanuki_jax.evaluation.graders.answer_units import BARE, Unit, unit_named
from tanuki_jax.evaluation.graders.maths_text import plain_maths


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("35/36", [Fraction(35, 36)]),
        ("36分の35", [Fraction(35, 36)]),
        ("1と3/4から2/3を引く", [Fraction(7, 4), Fraction(2, 3)]),
        ("1 1/12", [Fraction(13, 12)]),
        ("1,234.5円", [Fraction(2469, 2)]),
        ("12 - 5 = 7", [12, 5, 7]),
        ("x = -4", [-4]),
        ("3と-2", [3, -2]),
        ("5 - -3", [5, -3]),
        ("2400円-600円", [2400, 600]),
        ("マイナス7度", [-7]),
        ("氷点下7度", [-7]),
        ("3√5", [Root(Fraction(3), 5)]),
        ("√3/2", [Root(Fraction(1, 2), 3)]),
        ("36×π", [Root(Fraction(36), 0)]),
        ("16π/3", [Root(Fraction(16, 3), 0)]),
        ("1.5 × 10^8", [150_000_000]),
        ("9割7分2厘", [Fraction(486, 5)]),
        ("0.97\\dot{2}", [Fraction(35, 36)]),
        ("1時間40分", [Fraction(5, 3)]),
        ("1m60cm", [Fraction(8, 5)]),
        ("60cmと1m", [60, 1]),
        ("a_20とx1とCO2", []),
        ("12時15分", [Clock(735)]),
        ("午後0時15分", [Clock(735)]),
        ("お昼の12時15分", [Clock(735)]),
        ("12:15 PM", [Clock(735)]),
        ("午前0時15分", [Clock(15)]),
        ("夜8時半", [Clock(1230)]),
        ("11時75分", [11, 75]),
        ("4月4日", [Day(4, 4)]),
        ("時速12km", [12]),
    ],
)
def test_amounts_are_read_in_their_order(text: str, values: list[Measured]) -> None:
    assert [amount.value for amount in amounts(plain_maths(text))] == values


@pytest.mark.parametrize(
    ("text", "expected", "right"),
    [
        ("0.972", Fraction(35, 36), True),
        ("0.9722", Fraction(35, 36), True),
        ("0.973", Fraction(35, 36), False),
        ("0.97", Fraction(35, 36), False),
        ("約0.97", Fraction(35, 36), True),
        ("約1", Fraction(35, 36), False),
        ("97.2%", Fraction(35, 36), True),
        ("97%", Fraction(35, 36), False),
        ("約97%", Fraction(35, 36), True),
        ("97%程度", Fraction(35, 36), True),
        ("0.077", Fraction(1, 13), False),
        ("0.0769", Fraction(1, 13), True),
        ("0.666...", Fraction(2, 3), True),
        ("0.666", Fraction(2, 3), False),
        ("70/72", Fraction(35, 36), True),
        ("約1230", Fraction(1234), False),
        ("60%", Fraction(60), True),
        ("60%", Fraction(3, 5), True),
        ("150%", Fraction(3, 2), True),
        ("√45", Root(Fraction(3), 5), True),
        ("約6.71", Root(Fraction(3), 5), True),
        ("113.1", Root(Fraction(36), 0), True),
        ("113.04", Root(Fraction(36), 0), False),
        ("36", Root(Fraction(36), 0), False),
        ("4/4", Day(4, 4), True),
    ],
)
def test_a_value_may_be_rounded_to_enough_digits(text: str, expected: Measured, right: bool) -> None:
    (amount,) = amounts(text)
    assert amount.has_value(expected, BARE) is right


@pytest.mark.parametrize(
    ("text", "expected", "unit", "right"),
    [
        ("160cm", Fraction(8, 5), "m", True),
        ("160m", Fraction(8, 5), "m", False),
        ("1.6", Fraction(8, 5), "m", True),
        ("1.6cm", Fraction(8, 5), "m", False),
        ("1時間40分", Fraction(100), "分", True),
        ("約1.67時間", Fraction(100), "分", True),
        ("0.35", Fraction(35), "%", True),
        ("35%", Fraction(35), "%", True),
        ("0.35%", Fraction(35), "%", False),
        ("12km", Fraction(12), "時速km", True),
        ("12m", Fraction(12), "時速km", False),
        ("分速200m", Fraction(12), "時速km", True),
        ("18個", Fraction(18), "ドル", False),
        ("3本", Fraction(3), "個", True),
        ("3倍", Fraction(3), "年後", False),
        ("18ドル", Fraction(18), "", True),
    ],
)
def test_units_are_converted(text: str, expected: Fraction, unit: str, right: bool) -> None:
    (amount,) = amounts(text)
    assert amount.has_value(expected, unit_named(unit)) is right


def test_a_length_of_time_may_be_written_as_a_time_of_day() -> None:
    (amount,) = amounts("2:25")
    assert amount.has_value(Fraction(145), unit_named("分"))
    assert not amount.has_value(Fraction(146), unit_named("分"))
    assert not amount.has_value(Fraction(145), Unit("length"))


def test_two_digits_are_enough_beside_the_exact_value() -> None:
    (amount,) = amounts("0.97")
    assert amount.has_value(Fraction(35, 36), BARE, beside=True)
