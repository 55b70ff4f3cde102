import pytest

from tanuki_jax.evaluation.graders.answer_units import BARE, Unit, unit_named
from tanuki_jax.evaluation.graders.asked import SHARE, asked_for

DICE = "サイコロを2つ振ったとき、目の合計が3以上になる確率を求めてください。"


@pytest.mark.parametrize(
    ("question", "unit"),
    [
        (DICE, SHARE),
        ("めがねをかけている人は全体の何%ですか。", unit_named("%")),
        ("残りは何mですか。", unit_named("m")),
        ("自転車の速さは時速何kmですか。", unit_named("km/h")),
        ("三角形の面積は何cm²ですか。", unit_named("cm²")),
        ("何人乗っていますか。", unit_named("人")),
        ("定価2,400円の品物はいくらですか。", unit_named("円")),
        ("1個2ドルで売ります。いくら手に入れますか。", unit_named("ドル")),
        ("何時間何分かかりますか。", BARE),
        ("着いた時刻は何時何分ですか。", unit_named("分")),
        ("20番目の数はいくつですか。", BARE),
        ("", BARE),
    ],
)
def test_the_question_names_its_unit(question: str, unit: Unit) -> None:
    assert asked_for(question).unit == unit


def test_a_given_unit_is_that_of_the_answer() -> None:
    assert asked_for("残りは何mですか。", "cm").unit == unit_named("cm")


@pytest.mark.parametrize(
    ("question", "subject"),
    [
        (DICE, "目の合計が3以上にならない確率は"),
        (DICE, "余事象の確率は"),
        (DICE, "合計が2以下になる確率は"),
        (DICE, "合計が4以上になる確率は"),
        ("赤玉3個と白玉5個から1個取り出すとき、赤玉が出る確率を求めなさい。", "白玉が出る確率は"),
        ("兄と弟で3:2の比に分けます。兄はいくらもらえますか。", "弟は"),
        ("平均は何点ですか。", "中央値は"),
        ("1週間で何メートル走りますか。", "1日に走る距離は"),
        ("子の年齢の3倍になるのは何年後ですか。", "2倍になるのは"),
        ("明日雨が降らない確率は何%ですか。", "雨が降る確率は"),
        ("少なくとも1回表が出る確率はいくらですか。", "3回とも表が出る確率は"),
    ],
)
def test_another_subject_is_found(question: str, subject: str) -> None:
    assert asked_for(question).is_about_another(subject)


@pytest.mark.parametrize(
    ("question", "subject"),
    [
        (DICE, "求める確率は"),
        (DICE, "目の和が3以上になる確率は"),
        (DICE, "合計が2より大きくなる確率は"),
        (DICE, ""),
        ("明日雨が降らない確率は何%ですか。", "降らない確率は"),
        ("赤玉3個と白玉5個から1個取り出すとき、赤玉が出る確率を求めなさい。", "赤が出る確率は"),
        ("長さ2.4mのリボンから80cmを切り取りました。残りは何mですか。", "残りのリボンは"),
        ("", "白玉が出る確率は"),
    ],
)
def test_the_same_subject_is_not_another(question: str, subject: str) -> None:
    assert not asked_for(question).is_about_another(subject)
