from fractions import Fraction

import pytest

from tanuki_jax.corpus.tasks.answer_values import Clock, Day, Pairs, Point, Span, Value, show, states
from tanuki_jax.corpus.tasks.responses import Root


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (7, False, "7"),
        (Fraction(35, 36), False, "35/36"),
        (Fraction(-5, 4), True, "-1.25"),
        (Fraction(3), True, "3"),
        (Root(Fraction(3), 5), False, "3√5"),
        (Root(Fraction(-1, 2), 3), False, "-√3/2"),
        (Root(Fraction(36), 0), False, "36π"),
        (Root(Fraction(5, 3), 0), False, "5π/3"),
        (Clock(0), False, "午前0時"),
        (Clock(13 * 60 + 5), False, "午後1時5分"),
        (Span(125), False, "2時間5分"),
        (Span(120), False, "2時間"),
        (Span(45), False, "45分"),
        (Day(2, 9), False, "2月9日"),
        (Pairs(((1, 2), (2, 1))), False, "(1, 2)、(2, 1)"),
        ((-3, Fraction(1, 2)), False, "-3、1/2"),
        (Point(-3, Fraction(1, 2)), False, "(-3, 1/2)"),
        ("きつね", False, "きつね"),
    ],
)
def test_values_are_written_as_at_school(value: Value, decimals: bool, text: str) -> None:
    assert show(value, decimals=decimals) == text
    assert states(f"答えは{text}です。", value)


@pytest.mark.parametrize(
    ("response", "value"),
    [
        ("答えは1,250円です。", 1250),
        ("答えは12cm²です。", 12),
        ("答えは0.75です。", Fraction(3, 4)),
        ("答えは75%です。", Fraction(3, 4)),
        ("9+3=12なので、12個です。", 12),
        (r"答えは$36\pi$ cm$^3$です。", Root(Fraction(36), 0)),
        (r"答えは\frac{\sqrt{3}}{2}です。", Root(Fraction(1, 2), 3)),
        ("答えは13時5分です。", Clock(785)),
        ("答えは13:05です。", Clock(785)),
        ("答えは午後1時半です。", Clock(810)),
        ("答えは125分です。", Span(125)),
        ("答えは２時間５分です。", Span(125)),
        ("2月9日になります。", Day(2, 9)),
        ("答えは2/9です。", Day(2, 9)),
        ("答えは(2,1)、(1,2)です。", Pairs(((1, 2), (2, 1)))),
        ("答えはx=-3、x=1/2です。", (-3, Fraction(1, 2))),
        ("答えは「きつね」です。", "きつね"),
        ("答えは「きつね」「たぬき」です。", "きつね、たぬき"),
        ("きつね", "きつね"),
    ],
)
def test_usual_ways_to_state_a_value_are_accepted(response: str, value: Value) -> None:
    assert states(response, value)


@pytest.mark.parametrize(
    ("response", "value"),
    [
        ("", 12),
        ("わかりません。", "きつね"),
        ("答えは12か13です。", 12),
        ("答えは-12です。", 12),
        ("答えは12時です。", 12),
        ("答えは36です。", Root(Fraction(36), 0)),
        ("答えは5√3です。", Root(Fraction(3), 5)),
        ("答えは午前1時5分です。", Clock(785)),
        ("答えは午後1時5分です。", Span(65)),
        ("答えは1時間5分です。", Clock(65)),
        ("答えは9月2日です。", Day(2, 9)),
        ("答えは(1,2)です。", Pairs(((1, 2), (2, 1)))),
        ("答えは-3です。", (-3, Fraction(1, 2))),
        ("答えは1/2、-3です。", (-3, Fraction(1, 2))),
        ("答えはきつねとたぬきです。", "きつね"),
        ("答えはらくです。", "らくだ"),
    ],
)
def test_other_values_are_refused(response: str, value: Value) -> None:
    assert not states(response, value)


def test_the_only_choice_that_is_named_counts() -> None:
    choices = ("ア", "イ", "ウ")
    assert states("答えはイです。", "イ", choices)
    assert not states("答えはアかイです。", "イ", choices)
    assert not states("答えはウです。", "イ", choices)


def test_a_fraction_without_a_decimal_form_is_an_error_of_ours() -> None:
    with pytest.raises(AssertionError, match="no finite decimal"):
        show(Fraction(1, 3), decimals=True)
