from fractions import Fraction

import pytest

from tanuki_jax.evaluation.graders.answer_units import BARE, Unit, speed_before, unit_at, unit_named


@pytest.mark.parametrize(
    ("text", "dimension", "factor", "stop"),
    [
        ("1.6m です", "length", 1, 4),
        ("160 cm", "length", Fraction(1, 100), 6),
        ("1m60cm", "length", 1, 2),
        ("31.5cm2です", "area", Fraction(1, 10000), 7),
        ("31.5(cm^2)", "area", Fraction(1, 10000), 10),
        ("7.5(%)", "share", Fraction(1, 100), 6),
        ("12km/h", "speed", Fraction(1000, 3600), 6),
        ("12km/時です", "speed", Fraction(1000, 3600), 6),
        ("40分かかる", "time", 60, 3),
        ("1時間40分", "time", 3600, 3),
        ("18ドル", "dollars", 1, 4),
        ("3x", "", 1, 1),
        ("5 apples", "", 1, 1),
        ("12)です", "", 1, 2),
    ],
)
def test_a_unit_is_read_behind_a_number(text: str, dimension: str, factor: Fraction, stop: int) -> None:
    number = len(text) - len(text.lstrip("0123456789."))
    unit, end = unit_at(text, number)
    assert (unit.dimension, unit.factor, end) == (dimension, factor, stop)


def test_a_speed_may_be_named_before_its_length() -> None:
    assert speed_before("時速12km", 2, unit_named("km")) == unit_named("km/h") == unit_named("時速km")
    assert speed_before("分速200m", 2, unit_named("m")) == Unit("speed", Fraction(1, 60))
    assert speed_before("約12km", 1, unit_named("km")) == unit_named("km")


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("個", "本", True),
        ("才", "歳", True),
        ("年", "年後", True),
        ("年目", "年", True),
        ("年後", "年前", False),
        ("倍", "年後", False),
        ("点", "人", False),
    ],
)
def test_some_counters_stand_for_each_other(one: str, other: str, alike: bool) -> None:
    assert unit_named(one).counts_like(unit_named(other)) is alike
    assert unit_named(other).counts_like(unit_named(one)) is alike


def test_no_name_is_no_unit() -> None:
    assert unit_named("") == BARE
    assert unit_named("巻") == Unit("count", name="巻")
    assert unit_named("cm²") == unit_named("cm^2") == unit_named("平方センチメートル")
